/* folder_files.h: names of pictures: found in a folder, matched by stem, chosen by lists. */
#ifndef DATASET_FOLDER_FILES_H
#define DATASET_FOLDER_FILES_H

#include <fpcore/dataset.h>

typedef struct folder_file {
    const char *stem, *name; /* "a7", "a7.jpg" */
} folder_file;

/* Masks that come in parts: a file NAME_CLASS.png for each class that a picture shows, in the folder or in its folders.
 * rank: by label, the order in which parts are painted, later ones over earlier; -1: the part is left out. */
typedef struct folder_order {
    int32_t classes;
    const char *const *names;
    int16_t rank[256];
} folder_order;
typedef struct folder_piece {
    const char *stem, *name; /* "7", "0/00007_hair.png" */
    int16_t rank, label;
} folder_piece;

typedef struct folder_files {
    const char *path;   /* of the folder */
    const char *suffix; /* between stem and ending: "a7_mask.png" has the stem "a7" where it is "_mask" */
    int64_t n;
    folder_file *file;  /* sorted by stem, bytewise; stems are unique */
    int64_t n_looks;    /* names that are more than ASCII */
    folder_file *looks; /* what they look like (fpc_folder_look) as stem, with their name, sorted alike */
    /* Of masks in parts, else NULL: those of file i are piece[first[i] .. first[i + 1]), by rank; file[i].name is the
     * first one's. Stems are then as fpc_folder_key has them. */
    const int64_t *first;
    const folder_piece *piece;
} folder_files;

enum { FPC_FOLDER_LOOK = 3200 };
/* folder_names.c: the name with its accents taken apart, as it is compared where two spellings of one name meet. 0: it
 * is all ASCII (or too long to be a name), so that nothing else looks like it. */
int fpc_folder_look(const char *name, char out[FPC_FOLDER_LOOK]);

/* Which files of a folder are meant. */
typedef struct folder_search {
    const char *root, *sub;       /* the folder is root/sub */
    const char *what;             /* the option that named sub, for messages */
    int masks;                    /* .png alone */
    const char *suffix, *without; /* names end in suffix before the dot; and not in without, where that is not empty */
    const folder_order *order;    /* NULL: each file is a whole mask */
} folder_search;
/* Names ending in .jpg, .jpeg or .png; those beginning with a dot are left out. Nothing is opened. audit NULL: two
 * files of one stem are refused; else they are reported and the first one stays. */
fpc_status fpc_folder_scan(fpc_self *, const fpc_dataset_audit *audit, const folder_search *, folder_files *out);
/* folder_parts.c. The class after which a part's file is called (the longest name that fits: l_eye, not eye) and the
 * length of what is in front of it. n: of the name without its ending; -1: no class is called so. */
int32_t fpc_folder_part(const folder_order *, const char *name, size_t n, size_t *stem);
/* What parts and pictures share of their names: 00007 and 7 are one number. */
const char *fpc_folder_key(const char *stem);
/* Makes pieces of the files that a scan found. A part that is there twice is refused (in an audit: reported). */
fpc_status fpc_folder_group(fpc_self *, const fpc_dataset_audit *, const folder_order *, folder_files *);
/* Index of a stem, or of the one that looks the same; -1: none. */
int64_t fpc_folder_find(const folder_files *, const char *stem);
/* Behind a sentence: "; IMG_7.JPG is there", the file whose name differs in the case of letters alone; "": none does.
 */
const char *fpc_folder_near(const fpc_self *, const folder_files *, const char *name);
/* A file that an option names and that is not there: the key, where it was looked for, what is wanted. */
fpc_status fpc_folder_no_file(const fpc_self *, const char *root, const char *key, const char *path,
                              const char *wanted);
/* A list that an option names, read whole; then its lines without comments, empty ones and blanks at the ends, with
 * their numbers. *out NULL: there is none left. */
typedef struct folder_text {
    const char *path;
    char *next;
    int64_t line;
} folder_text;
fpc_status fpc_folder_text(const fpc_self *, const char *root, const char *key, const char *path, const char *wanted,
                           folder_text *);
fpc_status fpc_folder_line(const fpc_self *, folder_text *, char **out);
/* Indices into `files` of the names in the list file of option `key`: a name (or stem) per line, # comments. taken[i]
 * is set to mark (which names the list) for each; names that are absent, or taken already, are refused (in an audit:
 * reported and left out). */
fpc_status fpc_folder_list(fpc_self *, const fpc_dataset_audit *audit, const char *root, const char *key,
                           const char *list, const folder_files *files, uint8_t *taken, uint8_t mark, int64_t *n,
                           int64_t **index);

#endif
