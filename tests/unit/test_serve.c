/* test_serve.c: the parts of `fpcore serve` that know no HTTP library: which requests are let in and what the others
 * are told; pictures on their way through decoding, network and encoding, with threads and without; what is said of a
 * mask. */
#include "base/message.h"
#include "cmd/serve/answer.h"
#include "cmd/serve/rules.h"
#include "fixture.h"
#include "image/image.h"
#include <jansson.h>
#include <stdatomic.h>

/* ---- rules ---- */

static const fpc_serve_limits limits = {.mib = 2, .megapixels = 64, .at_once = 4, .seconds = 30};

/* The code of the refusal, whose sentence has these words in it; 0: let in. */
static int code_of(fpc_serve_head head, int loopback, const char *words)
{
    fpc_serve_refusal refusal;
    fpc_serve_target target;

    head.method = head.method ? head.method : "POST";
    head.path = head.path ? head.path : "/segment";
    head.length = head.length ? head.length : 100;
    const int let_in = fpc_serve_allows(&head, loopback, &limits, &target, &refusal);
    assert_int_equal(let_in, refusal.code == 0);
    if (words && !strstr(refusal.why, words))
        fail_msg("\"%s\" does not say \"%s\"", refusal.why, words);
    return refusal.code;
}

static void hosts_are_this_machine(void **state)
{
    static const char *const good[] = {"localhost",      "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:65535",
                                       "127.255.0.9:80", "[::1]",          "[::1]:80",  NULL};
    static const char *const wrong[] = {"",
                                        "evil.example",
                                        "127.evil.example",
                                        "127.0.0.1.evil.example:80",
                                        "localhost.evil.example",
                                        "localhost:80@evil.example",
                                        "localhost:80.evil",
                                        "[::1",
                                        "[::2]",
                                        "[::1]x",
                                        "192.168.0.1",
                                        "0.0.0.0",
                                        "127."};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(code_of((fpc_serve_head){.host = good[i]}, 1, NULL), 0);
    for (size_t i = 0; i + 1 < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(code_of((fpc_serve_head){.host = wrong[i]}, 1, "localhost, 127.0.0.1 or [::1] alone"), 403);
        assert_int_equal(code_of((fpc_serve_head){.host = wrong[i]}, 0, NULL), 0);
    }
}

static void pages_of_others_send_nothing(void **state)
{
    (void)state;
    assert_int_equal(code_of((fpc_serve_head){.host = "localhost:1", .origin = "http://localhost:1"}, 1, NULL), 0);
    assert_int_equal(code_of((fpc_serve_head){.host = "me:1", .origin = "https://me:1"}, 0, NULL), 0);
    assert_int_equal(code_of((fpc_serve_head){.host = "localhost:1", .origin = "http://localhost:2"}, 1,
                             "open this server's own page"),
                     403);
    assert_int_equal(code_of((fpc_serve_head){.host = "localhost:1", .origin = "null"}, 1, "a page of null"), 403);
    assert_int_equal(code_of((fpc_serve_head){.host = "me:1", .origin = "http://you"}, 0, "a page of http://you"), 403);
    assert_int_equal(code_of((fpc_serve_head){.origin = "http://you"}, 0, NULL), 403);
    /* looking is no sending */
    assert_int_equal(code_of((fpc_serve_head){.method = "GET", .path = "/", .origin = "http://you"}, 1, NULL), 0);
}

static void paths_methods_and_queries_are_few(void **state)
{
    static const char *const nowhere[] = {"", "/segment/", "/../etc/passwd", "/Model", "//", "/model%00", "/page.html"};
    (void)state;
    for (size_t i = 0; i < sizeof nowhere / sizeof *nowhere; i++)
        assert_int_equal(
            code_of((fpc_serve_head){.path = nowhere[i], .method = "GET"}, 1, "there are /, /model and /segment"), 404);
    assert_int_equal(code_of((fpc_serve_head){.path = "/model", .method = "GET"}, 1, NULL), 0);
    assert_int_equal(code_of((fpc_serve_head){.path = "/", .method = "HEAD"}, 1, NULL), 0);
    assert_int_equal(code_of((fpc_serve_head){.path = "/", .method = "POST"}, 1, "/ takes GET, HEAD, not POST"), 405);
    assert_int_equal(code_of((fpc_serve_head){.method = "GET"}, 1, "/segment takes POST, not GET"), 405);
    assert_int_equal(code_of((fpc_serve_head){.method = "POS"}, 1, NULL), 405);
    assert_int_equal(code_of((fpc_serve_head){.method = "post"}, 1, NULL), 405);
    assert_int_equal(code_of((fpc_serve_head){.mask = 1}, 1, NULL), 0);
    assert_int_equal(
        code_of((fpc_serve_head){.stray = "masks"}, 1, "/segment has no \"masks\"; all that can be asked is"), 400);
    assert_int_equal(code_of((fpc_serve_head){.path = "/", .method = "GET", .mask = 1}, 1, "/ has no \"mask\""), 400);
    assert_int_equal(
        code_of((fpc_serve_head){.path = "/\x1b[2J\xff\n", .method = "GET"}, 1, "there is no /?[2J?? here"), 404);
}

static void bodies_are_pictures_of_limited_size(void **state)
{
    (void)state;
    assert_int_equal(code_of((fpc_serve_head){.type = "image/jpeg"}, 1, NULL), 0);
    assert_int_equal(code_of((fpc_serve_head){.type = "Application/Octet-Stream"}, 1, NULL), 0);
    assert_int_equal(code_of((fpc_serve_head){.type = "application/x-www-form-urlencoded"}, 1, NULL), 0);
    assert_int_equal(code_of((fpc_serve_head){.type = "multipart/form-data; boundary=x"}, 1, "curl --data-binary"),
                     415);
    assert_int_equal(code_of((fpc_serve_head){.type = "text/html"}, 1, "text/html is not read"), 415);
    assert_int_equal(code_of((fpc_serve_head){.encoding = "identity"}, 1, NULL), 0);
    assert_int_equal(code_of((fpc_serve_head){.encoding = "gzip"}, 1, "Content-Encoding: gzip is not read"), 415);
    assert_int_equal(code_of((fpc_serve_head){.length = 2 << 20}, 1, NULL), 0);
    assert_int_equal(code_of((fpc_serve_head){.length = (2 << 20) + 1}, 1, "a file of more than 2 MiB is not taken"),
                     413);
    assert_int_equal(code_of((fpc_serve_head){.length = INT64_MAX}, 1, NULL), 413);
    assert_int_equal(code_of((fpc_serve_head){.length = -1}, 1, NULL), 0);
}

/* ---- works ---- */

enum { W = 6, H = 4, MOST = 40 };

struct set {
    fpc_ctx *ctx;
    fpc_arena *arena;
    fpc_serve_works *works;
    int fails; /* the network, with a sentence */
    int computed;
    atomic_int done, answered;
    fpc_serve_model model;
};

/* The label of a pixel is its red value. */
static fpc_status see(void *arg, fpc_arena *arena, const fpc_image *picture, uint8_t *labels)
{
    struct set *s = arg;

    (void)arena;
    s->computed++;
    if (s->fails)
        return fpc_fail(s->ctx, FPC_EDEVICE, "the device is on fire");
    for (int64_t i = 0; i < (int64_t)picture->w * picture->h; i++)
        labels[i] = picture->pixel[3 * i];
    return FPC_OK;
}

static fpc_status tell(void *arg, fpc_serve_job *job)
{
    struct set *s = arg;

    atomic_fetch_add(&s->answered, 1);
    return fpc_serve_tell_mask(&s->model, job);
}

static void count(fpc_serve_job *job)
{
    atomic_fetch_add((atomic_int *)job->owner, 1);
}

static const uint8_t colours[4][3] = {{0, 0, 0}, {255, 0, 0}, {0, 255, 0}, {1, 2, 3}};
static const char *const names[] = {"ground", "left", "\xff", "never"};

static void open_set(struct set *s, int32_t workers, int64_t pixels)
{
    const fpc_serve_hands hands = {.network = see, .answer = tell, .arg = s, .pixels = pixels, .workers = workers};

    *s = (struct set){.ctx = fpc_ctx_new()};
    s->arena = fpc_arena_new(s->ctx);
    s->model = (fpc_serve_model){.name = "a \"run\"",
                                 .info = {.size = sizeof s->model.info,
                                          .h = 32,
                                          .w = 48,
                                          .classes = 4,
                                          .class_names = names,
                                          .palette = colours,
                                          .model = "dot",
                                          .parameters = 7}};
    fpc_serve_hands with = hands;
    with.ctx = s->ctx;
    assert_int_equal(fpc_serve_works_open(s->arena, &with, &s->works), FPC_OK);
}

static void close_set(struct set *s)
{
    assert_int_equal(fpc_serve_on_the_way(s->works), 0);
    fpc_serve_works_close(s->works);
    fpc_arena_free(s->arena);
    fpc_ctx_free(s->ctx);
}

/* A picture of w x h: label 2 at its left border, 1 in two pixels of the first row, else 0. */
static fpc_serve_job job_of(struct set *s, int32_t w, int32_t h)
{
    fpc_image picture = {w, h, 3, fpc_alloc(s->arena, (size_t)w * (size_t)h * 3)};
    const uint8_t *data;
    fpc_serve_job job = {.done = count, .owner = &s->done};

    for (int32_t y = 0; y < h; y++)
        picture.pixel[(int64_t)y * w * 3] = 2;
    picture.pixel[3 * 3] = picture.pixel[3 * 4] = 1;
    assert_int_equal(fpc_png_encode(s->ctx, s->arena, "picture", &picture, NULL, 0, NULL, &data, &job.bytes), FPC_OK);
    job.data = malloc(job.bytes);
    assert_non_null(job.data);
    memcpy(job.data, data, job.bytes);
    return job;
}

static void wait_for(struct set *s, int n)
{
    while (atomic_load(&s->done) < n)
        fpc_serve_turn(s->works, 0.01);
}

static void pictures_become_masks(void **state)
{
    fpc_serve_job job[MOST];
    struct set s;

    (void)state;
    for (int32_t workers = 0; workers < 4; workers++) {
        open_set(&s, workers, 1000);
        for (int i = 0; i < MOST; i++) {
            job[i] = job_of(&s, W, H);
            fpc_serve_add(s.works, &job[i]);
        }
        wait_for(&s, MOST);
        for (int i = 0; i < MOST; i++) {
            uint8_t palette[256][3];
            int32_t n = 0;
            fpc_image mask;
            assert_int_equal(job[i].code, 200);
            assert_null(job[i].data);
            assert_string_equal(job[i].type, "image/png");
            assert_int_equal(
                fpc_mask_decode(s.ctx, s.arena, "mask", job[i].answer, job[i].answer_bytes, &mask, palette, &n),
                FPC_OK);
            assert_int_equal(mask.w, W);
            assert_int_equal(mask.pixel[0], 2);
            assert_int_equal(mask.pixel[3], 1);
            assert_int_equal(mask.pixel[W + 3], 0);
            assert_memory_equal(palette, colours, sizeof colours);
            fpc_serve_forget(&job[i]);
        }
        assert_int_equal(s.computed, MOST);
        assert_int_equal(fpc_serve_turn(s.works, 0), 0);
        close_set(&s);
    }
}

/* One that fails does not stop the others, and its sentence is its own. */
static void failures_are_told_one_by_one(void **state)
{
    struct set s;

    (void)state;
    for (int32_t workers = 0; workers < 2; workers++) {
        open_set(&s, workers, W * H);
        fpc_serve_job good = job_of(&s, W, H), cut = job_of(&s, W, H), large = job_of(&s, W + 1, H),
                      none = job_of(&s, W, H), after = job_of(&s, W, H);
        cut.bytes -= 20;
        memset(none.data, 'x', none.bytes);
        fpc_serve_add(s.works, &cut);
        fpc_serve_add(s.works, &large);
        fpc_serve_add(s.works, &none);
        fpc_serve_add(s.works, &good);
        wait_for(&s, 4);
        assert_int_equal(cut.code, 400);
        assert_non_null(strstr(cut.why, "the picture: broken PNG"));
        assert_int_equal(none.code, 400);
        assert_string_equal(none.why, "the picture: neither a JPEG nor a PNG file");
        assert_int_equal(large.code, 413);
        assert_non_null(strstr(large.why, "the picture has 7 x 4 pixels, and more than 0 megapixels are not taken"));
        assert_int_equal(good.code, 200);
        s.fails = 1;
        fpc_serve_add(s.works, &after);
        wait_for(&s, 5);
        assert_int_equal(after.code, 500);
        assert_string_equal(after.why, "the device is on fire");
        assert_int_equal(fpc_ctx_status(s.ctx), FPC_OK); /* the next one's is its own */
        assert_int_equal(atomic_load(&s.answered), 1);
        fpc_serve_job *const all[] = {&good, &cut, &large, &none, &after};
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            fpc_serve_forget(all[i]);
        close_set(&s);
    }
}

static void pictures_in_memory_are_few(void **state)
{
    fpc_serve_job job[5];
    struct set s;

    (void)state;
    open_set(&s, 1, 1000);
    for (int i = 0; i < 5; i++) {
        job[i] = job_of(&s, W, H);
        fpc_serve_add(s.works, &job[i]);
    }
    /* nobody computes: the worker decodes two and rests; the file of a decoded one is gone */
    usleep(100000);
    assert_true(job[2].data && job[3].data && job[4].data);
    assert_int_equal(fpc_serve_on_the_way(s.works), 5);
    wait_for(&s, 5);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(job[i].code, 200);
        fpc_serve_forget(&job[i]);
    }
    close_set(&s);
}

/* ---- what is said ---- */

static json_t *json_of(fpc_serve_job *job)
{
    json_t *root = json_loadb(job->answer, job->answer_bytes, 0, NULL);

    assert_int_equal(job->code, 200);
    assert_string_equal(job->type, "application/json");
    assert_non_null(root);
    return root;
}

static void a_mask_is_counted(void **state)
{
    struct set s;
    const char *name;
    int w, h, index, pixels, rgb[3], box[4];
    double share;

    (void)state;
    open_set(&s, 0, 1000);
    fpc_serve_job job = job_of(&s, W, H);
    job.json = 1;
    fpc_serve_add(s.works, &job);
    wait_for(&s, 1);
    json_t *root = json_of(&job), *classes = json_object_get(root, "classes");
    assert_int_equal(json_unpack(root, "{s:i,s:i}", "width", &w, "height", &h), 0);
    assert_int_equal(w, W);
    assert_int_equal(h, H);
    assert_null(json_object_get(root, "png"));
    assert_int_equal(json_array_size(classes), 3); /* of `never` there is none */
    static const int want[3][6] = {{0, 18, 1, 0, 5, 4}, {1, 2, 3, 0, 2, 1}, {2, 4, 0, 0, 1, 4}};
    static const char *const want_name[] = {"ground", "left", "?"};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(json_unpack(json_array_get(classes, (size_t)i), "{s:i,s:s,s:[iii],s:i,s:f,s:[iiii]}", "index",
                                     &index, "name", &name, "rgb", &rgb[0], &rgb[1], &rgb[2], "pixels", &pixels,
                                     "share", &share, "box", &box[0], &box[1], &box[2], &box[3]),
                         0);
        assert_int_equal(index, want[i][0]);
        assert_string_equal(name, want_name[i]);
        assert_int_equal(pixels, want[i][1]);
        assert_float_equal(share, want[i][1] / 24.0, 1e-5);
        for (int k = 0; k < 4; k++)
            assert_int_equal(box[k], want[i][2 + k]);
        for (int k = 0; k < 3; k++)
            assert_int_equal(rgb[k], colours[i][k]);
    }
    json_decref(root);
    fpc_serve_forget(&job);
    close_set(&s);
}

/* The PNG within JSON is the PNG alone, in base64: of all lengths that three bytes may leave. */
static void json_holds_the_mask(void **state)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct set s;
    int lengths = 0;

    (void)state;
    open_set(&s, 0, 10000);
    for (int32_t w = W, n = 0; w < 60; w++) {
        fpc_serve_job plain = job_of(&s, w, H), both = job_of(&s, w, H);
        both.json = both.with_mask = 1;
        fpc_serve_add(s.works, &plain);
        fpc_serve_add(s.works, &both);
        wait_for(&s, n += 2);
        json_t *root = json_of(&both);
        const char *png = json_string_value(json_object_get(root, "png"));
        const uint8_t *want = plain.answer;
        assert_non_null(png);
        assert_int_equal(strlen(png), (plain.answer_bytes + 2) / 3 * 4);
        for (size_t i = 0; i < plain.answer_bytes; i++) {
            const char *four = png + i / 3 * 4;
            uint32_t bits = 0;
            for (int k = 0; k < 4; k++)
                bits = bits << 6 | (four[k] == '=' ? 0 : (uint32_t)(strchr(digit, four[k]) - digit));
            assert_int_equal(bits >> (16 - 8 * (i % 3)) & 255, want[i]);
        }
        lengths |= 1 << plain.answer_bytes % 3;
        json_decref(root);
        fpc_serve_forget(&plain);
        fpc_serve_forget(&both);
    }
    assert_int_equal(lengths, 7);
    close_set(&s);
}

static void the_model_and_failures_are_json(void **state)
{
    const char *name, *model, *version, *orientation, *why;
    int w, h, mib, megapixels, at_once, parameters;
    struct set s;

    (void)state;
    open_set(&s, 0, 1000);
    json_t *root = json_loads(fpc_serve_tell_model(s.arena, &s.model, &limits), 0, NULL);
    assert_int_equal(json_unpack(root, "{s:s,s:s,s:s,s:i,s:i,s:i,s:s,s:{s:i,s:i,s:i}}", "name", &name, "model", &model,
                                 "version", &version, "parameters", &parameters, "width", &w, "height", &h,
                                 "orientation", &orientation, "limits", "mib", &mib, "megapixels", &megapixels,
                                 "at_once", &at_once),
                     0);
    assert_string_equal(name, "a \"run\"");
    assert_string_equal(model, "dot");
    assert_string_equal(version, FPC_VERSION);
    assert_string_equal(orientation, "apply");
    assert_int_equal(parameters, 7);
    assert_int_equal(w, 48);
    assert_int_equal(h, 32);
    assert_int_equal(mib, 2);
    assert_int_equal(megapixels, 64);
    assert_int_equal(at_once, 4);
    assert_int_equal(json_array_size(json_object_get(root, "classes")), 4);
    json_decref(root);
    s.model.info.class_names = NULL;
    s.model.as_stored = 1;
    const char *text = fpc_serve_tell_model(s.arena, &s.model, &limits);
    assert_non_null(strstr(text, "\"orientation\":\"file\""));
    assert_non_null(strstr(text, "{\"index\":3,\"name\":\"class 3\",\"rgb\":[1,2,3]}"));
    root = json_loads(fpc_serve_tell_why(s.arena, "a \"b\"", 1), 0, NULL);
    assert_int_equal(json_unpack(root, "{s:s}", "error", &why), 0);
    assert_string_equal(why, "a \"b\"");
    json_decref(root);
    assert_string_equal(fpc_serve_tell_why(s.arena, "a \"b\"", 0), "a \"b\"\n");
    close_set(&s);
}

static void the_page_carries_its_word(void **state)
{
    struct set s;
    int places = 0;

    (void)state;
    open_set(&s, 0, 1000);
    const char *page = fpc_serve_tell_page(s.arena, "abc123");
    for (const char *at = page; (at = strstr(at, "nonce=\"abc123\"")); at++)
        places++;
    assert_int_equal(places, 2); /* its style and its script */
    assert_null(strstr(page, "NONCE"));
    /* whatever would need another's leave, or be refused by the policy */
    assert_null(strstr(page, "http:"));
    assert_null(strstr(page, "https://"));
    assert_null(strstr(page, " style=\""));
    assert_null(strstr(page, " onclick="));
    assert_null(strstr(page, "innerHTML"));
    assert_string_equal(page + strlen(page) - 8, "</html>\n");
    const char *policy = fpc_serve_policy(s.arena, "abc123");
    assert_non_null(strstr(policy, "default-src 'none'; script-src 'nonce-abc123'; style-src 'nonce-abc123';"));
    assert_null(strstr(policy, "unsafe"));
    close_set(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(hosts_are_this_machine),
        CASE(pages_of_others_send_nothing),
        CASE(paths_methods_and_queries_are_few),
        CASE(bodies_are_pictures_of_limited_size),
        CASE(pictures_become_masks),
        CASE(failures_are_told_one_by_one),
        CASE(pictures_in_memory_are_few),
        CASE(a_mask_is_counted),
        CASE(json_holds_the_mask),
        CASE(the_model_and_failures_are_json),
        CASE(the_page_carries_its_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
