/* place.h: where an installed fpcore keeps its plugins and its recipes, found from the place of libfpcore.so, so that
 * an installed tree may be moved. */
#ifndef CORE_BASE_PLACE_H
#define CORE_BASE_PLACE_H

/* Absolute; valid until the process ends; whether anything is there is for the caller to see. Any thread. */
const char *fpc_place_plugins(void);
const char *fpc_place_recipes(void);

/* Where `to` lies once the folder `from` has become `here`: what `from` and `to` have in common moves along. All three
 * are absolute paths. Returns 0, or -1 where out, of n bytes, is too small. */
int fpc_place_moved(const char *here, const char *from, const char *to, char *out, int n);

#endif
