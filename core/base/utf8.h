/* utf8.h: which bytes are text. */
#ifndef CORE_BASE_UTF8_H
#define CORE_BASE_UTF8_H

/* Bytes of the UTF-8 character at `text`, or 0: it is none, or a control character (C1 ones too). */
int fpc_utf8_character(const char *text);

#endif
