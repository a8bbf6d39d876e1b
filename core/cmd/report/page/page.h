/* page.h: style and script of the page of `fpcore analyze`, as lines. The build makes page.c from core/page/. */
#ifndef CORE_CMD_REPORT_PAGE_PAGE_H
#define CORE_CMD_REPORT_PAGE_PAGE_H

extern const char *const fpc_page_css[], *const fpc_page_js[]; /* end with NULL */

#endif
