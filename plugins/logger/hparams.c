/* hparams.c: see hparams.h. A value is a number, a switch or a text by how it is spelt, as in every list of runs. */
#include "hparams.h"

enum { DATA_EXPERIMENT = 2, DATA_START = 3, DATA_END = 4 };
enum { EXPERIMENT_HPARAM = 4, EXPERIMENT_METRIC = 5 };
enum { HPARAM_NAME = 1, HPARAM_TYPE = 4, METRIC_NAME = 1, NAME_TAG = 2 };
enum { START_HPARAMS = 1, START_TIME = 5, END_STATUS = 1, END_TIME = 2, ENTRY_KEY = 1, ENTRY_VALUE = 2 };
enum { OF_NUMBER = 2, OF_STRING = 3, OF_BOOL = 4 }; /* fields of google.protobuf.Value */
enum { IS_STRING = 1, IS_BOOL = 2, IS_NUMBER = 3 }; /* DataType */
enum { UNKNOWN = 0, SUCCESS = 1, FAILURE = 2 };     /* Status */

typedef struct pair {
    char section[256], key[520], value[1024];
    double number;
    int type;
} pair;

/* Bytes of the character there; 0: it is no UTF-8, which protocol buffers refuse as a whole. */
static int character(const unsigned char *p)
{
    const int n = *p < 0x80 ? 1 : *p < 0xc2 ? 0 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : *p < 0xf5 ? 4 : 0;

    if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) || (*p == 0xf0 && p[1] < 0x90) ||
        (*p == 0xf4 && p[1] > 0x8f))
        return 0;
    for (int i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

static void make_utf8(char *p)
{
    for (int n; *p; p += n ? n : 1)
        if (!(n = character((const unsigned char *)p)))
            *p = '?';
}

static int type_of(pair *p)
{
    char *end;

    if (!strcmp(p->value, "on") || !strcmp(p->value, "off"))
        return IS_BOOL;
    p->number = strtod(p->value, &end);
    return end != p->value && !*end && isfinite(p->number) ? IS_NUMBER : IS_STRING;
}

/* The next key, from line to line; 0: there is none. A text that is longer than the room ends there. */
static int next_pair(const char **at, pair *p)
{
    while (**at) {
        const char *line = *at;
        const int n = (int)strcspn(line, "\n"), name = (int)strcspn(line, " =\n");
        const char *equals = memchr(line, '=', (size_t)n);

        *at = line + n + (line[n] == '\n');
        if (*line == '[') {
            snprintf(p->section, sizeof p->section, "%.*s", (int)strcspn(line + 1, "]\n"), line + 1);
        } else if (equals && *line != ';' && strncmp(p->section, "logger", 6)) {
            equals += 1 + strspn(equals + 1, " ");
            snprintf(p->key, sizeof p->key, "%s.%.*s", p->section, name, line);
            snprintf(p->value, sizeof p->value, "%.*s", (int)strcspn(equals, "\n"), equals);
            make_utf8(p->key);
            make_utf8(p->value);
            p->type = type_of(p);
            return 1;
        }
    }
    return 0;
}

static void put_text(text *t, fpc_arena *arena, int field, const char *s)
{
    put_block(t, arena, field, s, strlen(s));
}

/* The message in `a` as the field `kind` of the whole. */
static void finish(text *out, hparams_room *room, fpc_arena *arena, int kind)
{
    out->n = 0;
    put_block(out, arena, kind, room->a.data, room->a.n);
    out->failed |= room->a.failed | room->b.failed | room->c.failed;
}

void hparams_experiment(text *out, hparams_room *room, fpc_arena *arena, const char *recipe, const char *metric)
{
    pair p = {0};

    room->a.n = 0;
    while (next_pair(&recipe, &p)) {
        room->b.n = 0;
        put_text(&room->b, arena, HPARAM_NAME, p.key);
        put_int(&room->b, arena, HPARAM_TYPE, (uint64_t)p.type);
        put_block(&room->a, arena, EXPERIMENT_HPARAM, room->b.data, room->b.n);
    }
    room->b.n = room->c.n = 0;
    put_text(&room->c, arena, NAME_TAG, metric);
    put_block(&room->b, arena, METRIC_NAME, room->c.data, room->c.n);
    put_block(&room->a, arena, EXPERIMENT_METRIC, room->b.data, room->b.n);
    finish(out, room, arena, DATA_EXPERIMENT);
}

void hparams_start(text *out, hparams_room *room, fpc_arena *arena, const char *recipe, double now)
{
    pair p = {0};

    room->a.n = 0;
    while (next_pair(&recipe, &p)) {
        room->b.n = room->c.n = 0;
        if (p.type == IS_NUMBER)
            put_real(&room->c, arena, OF_NUMBER, p.number);
        else if (p.type == IS_BOOL)
            put_int(&room->c, arena, OF_BOOL, !strcmp(p.value, "on"));
        else
            put_text(&room->c, arena, OF_STRING, p.value);
        put_text(&room->b, arena, ENTRY_KEY, p.key);
        put_block(&room->b, arena, ENTRY_VALUE, room->c.data, room->c.n);
        put_block(&room->a, arena, START_HPARAMS, room->b.data, room->b.n);
    }
    put_real(&room->a, arena, START_TIME, now);
    finish(out, room, arena, DATA_START);
}

void hparams_end(text *out, hparams_room *room, fpc_arena *arena, const char *status, double now)
{
    const int done = !strcmp(status, "complete") || !strcmp(status, "stopped early");
    const int failed = !strcmp(status, "failed") || !strcmp(status, "diverged");

    room->a.n = 0;
    put_int(&room->a, arena, END_STATUS, done ? SUCCESS : failed ? FAILURE : UNKNOWN);
    put_real(&room->a, arena, END_TIME, now);
    finish(out, room, arena, DATA_END);
}
