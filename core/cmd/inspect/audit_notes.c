/* audit_notes.c: what an audit tells beside flaws: kinds of files that are read and may surprise, and labels that look
 * as if they were numbered otherwise than the recipe says. */
#include "cmd/inspect/audit.h"
#include <string.h>

void fpc_audit_take_note(void *arg, const char *kind, const char *sentence)
{
    fpc_audit *a = arg;

    for (int64_t i = 0; i < a->n_notes; i++)
        if (!strcmp(a->note[i].kind, kind)) {
            a->note[i].n++;
            return;
        }
    fpc_audit_note *list = fpc_audit_grow(a->arena, a->note, a->n_notes, &a->cap_notes, sizeof *list);
    const fpc_audit_note note = {fpc_strdup(a->arena, kind), fpc_strdup(a->arena, sentence), 1};
    if (!list || !note.kind || !note.sentence) {
        a->failed = FPC_ENOMEM;
        return;
    }
    a->note = list;
    a->note[a->n_notes++] = note;
}

/* ---- the two orders of the names of CelebAMask-HQ ---- */

/* Where both stand in the presets. Hair is by far the larger of what the numbers 13 and 17 mean in the two (hair or
 * lower lip, neck or hair), and so is the nose of 2 and 10 (nose or a brow, mouth or nose). */
typedef struct face_order {
    const char *preset;
    int32_t hair, nose;
} face_order;

static const face_order orders[] = {{"celebamask19", 13, 2}, {"celebamask19_parsing", 17, 10}};

static int named_so(const fpc_dataset_info *info, const face_order *order)
{
    return info->classes == 19 && !strcmp(info->class_names[order->hair], "hair") &&
           !strcmp(info->class_names[order->nose], "nose");
}

void fpc_audit_face_order(fpc_audit *a)
{
    int64_t pixels[19] = {0}, all = 0;

    for (int k = 0; k < 2; k++) {
        const face_order *is = &orders[k], *other = &orders[1 - k];
        if (!named_so(a->info, is))
            continue;
        for (int part = FPC_TRAIN; part <= FPC_TEST; part++)
            for (int c = 0; c < 19; c++) {
                pixels[c] += a->pixels[part][c];
                all += a->pixels[part][c];
            }
        if (pixels[other->hair] <= 2 * pixels[is->hair] || pixels[other->nose] <= 2 * pixels[is->nose])
            return;
        const char *sentence = fpc_sprintf(
            a->arena,
            "the labels look as if they were numbered in the other order: label %d (here hair) has %.1f %% of the "
            "pixels, label %d (there hair) %.1f %%; label %d (here nose) %.1f %%, label %d (there nose) %.1f %%; "
            "dataset.classes = %s is that order",
            is->hair, 100 * (double)pixels[is->hair] / (double)all, other->hair,
            100 * (double)pixels[other->hair] / (double)all, is->nose, 100 * (double)pixels[is->nose] / (double)all,
            other->nose, 100 * (double)pixels[other->nose] / (double)all, other->preset);
        if (!sentence)
            a->failed = FPC_ENOMEM;
        else
            fpc_audit_take_note(a, "order of labels", sentence);
        if (a->n_notes && !strcmp(a->note[a->n_notes - 1].kind, "order of labels"))
            a->note[a->n_notes - 1].n = 0;
        return;
    }
}
