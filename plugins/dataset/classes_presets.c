/* classes_presets.c: see classes_presets.h. Names are the data sets' own, in one word each. */
#include "classes_presets.h"
#include <string.h>

#define COUNT(list) (int32_t)(sizeof(list) / sizeof *(list))

/* Pascal VOC 2012. Its colours are the bits of the label, spread from the high bit of each channel down. */
static const char *const voc_names[] = {"background", "aeroplane", "bicycle",   "bird",   "boat",        "bottle",
                                        "bus",        "car",       "cat",       "chair",  "cow",         "diningtable",
                                        "dog",        "horse",     "motorbike", "person", "pottedplant", "sheep",
                                        "sofa",       "train",     "tvmonitor"};
static const uint8_t voc_palette[][3] = {
    {0, 0, 0},       {128, 0, 0},     {0, 128, 0}, {128, 128, 0}, {0, 0, 128},   {128, 0, 128}, {0, 128, 128},
    {128, 128, 128}, {64, 0, 0},      {192, 0, 0}, {64, 128, 0},  {192, 128, 0}, {64, 0, 128},  {192, 0, 128},
    {64, 128, 128},  {192, 128, 128}, {0, 64, 0},  {128, 64, 0},  {0, 192, 0},   {128, 192, 0}, {0, 64, 128}};
static const uint8_t voc_void[] = {224, 224, 192};

/* Cityscapes, by the numbers for training (trainIds). */
static const char *const city_names[] = {
    "road", "sidewalk", "building", "wall", "fence", "pole", "traffic_light", "traffic_sign", "vegetation", "terrain",
    "sky",  "person",   "rider",    "car",  "truck", "bus",  "train",         "motorcycle",   "bicycle"};
static const uint8_t city_palette[][3] = {
    {128, 64, 128}, {244, 35, 232}, {70, 70, 70},    {102, 102, 156}, {190, 153, 153}, {153, 153, 153}, {250, 170, 30},
    {220, 220, 0},  {107, 142, 35}, {152, 251, 152}, {70, 130, 180},  {220, 20, 60},   {255, 0, 0},     {0, 0, 142},
    {0, 0, 70},     {0, 60, 100},   {0, 80, 100},    {0, 0, 230},     {119, 11, 32}};

/* LaPa and Helen number the same parts alike; neither gives colours. */
static const char *const face_names[] = {"background",  "skin",      "left_eyebrow", "right_eyebrow",
                                         "left_eye",    "right_eye", "nose",         "upper_lip",
                                         "inner_mouth", "lower_lip", "hair"};
static const uint8_t face_pairs[][2] = {{2, 3}, {4, 5}};

static const char *const isic_names[] = {"background", "lesion"}, *const drive_names[] = {"background", "vessel"};
static const uint8_t black[] = {0, 0, 0}, black_white[][3] = {{0, 0, 0}, {255, 255, 255}};

/* CamVid in the eleven classes in which it is mostly used; what is in none of them is label 11. */
static const char *const camvid_names[] = {"sky",         "building", "pole", "road",       "pavement", "tree",
                                           "sign_symbol", "fence",    "car",  "pedestrian", "bicyclist"};
static const uint8_t camvid_palette[][3] = {{128, 128, 128}, {128, 0, 0},   {192, 192, 128}, {128, 64, 128},
                                            {0, 0, 192},     {128, 128, 0}, {192, 128, 128}, {64, 64, 128},
                                            {64, 0, 128},    {64, 64, 0},   {0, 128, 192}};

static const fpc_class_preset presets[] = {
    {"voc21", COUNT(voc_names), 0, 255, voc_names, voc_palette, NULL, voc_void},
    {"cityscapes19", COUNT(city_names), 0, 255, city_names, city_palette, NULL, black},
    {"lapa11", COUNT(face_names), COUNT(face_pairs), -1, face_names, NULL, face_pairs, NULL},
    {"helen11", COUNT(face_names), COUNT(face_pairs), -1, face_names, NULL, face_pairs, NULL},
    {"isic2", COUNT(isic_names), 0, -1, isic_names, black_white, NULL, NULL},
    {"drive2", COUNT(drive_names), 0, -1, drive_names, black_white, NULL, NULL},
    {"camvid11", COUNT(camvid_names), 0, 11, camvid_names, camvid_palette, NULL, black}};

const fpc_choice fpc_class_presets[] = {{"celebamask19", 19, "faces, CelebAMask-HQ: background, skin, nose ..."},
                                        {"celebamask19_parsing", 19, "the same in another order"},
                                        {"voc21", 21, "things, Pascal VOC 2012; 255 counts nowhere"},
                                        {"cityscapes19", 19, "streets, Cityscapes by trainIds; 255 counts nowhere"},
                                        {"lapa11", 11, "faces, LaPa: background, skin, brows, eyes ..."},
                                        {"helen11", 11, "faces, Helen: the same classes"},
                                        {"isic2", 2, "skin, ISIC: background, lesion"},
                                        {"drive2", 2, "retinas, DRIVE: background, vessel"},
                                        {"camvid11", 11, "streets, CamVid; 11 counts nowhere"},
                                        {0}};

const fpc_class_preset *fpc_class_preset_of(const char *name)
{
    for (int32_t i = 0; i < COUNT(presets); i++)
        if (!strcmp(presets[i].preset, name))
            return &presets[i];
    return NULL;
}

int32_t fpc_classes_void(const char *name, const uint8_t **colour)
{
    const fpc_class_preset *p = fpc_class_preset_of(name);

    *colour = p ? p->void_colour : NULL;
    return p ? p->ignore_label : -1;
}
