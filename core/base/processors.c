/* processors.c: how many processors this process may keep busy. A container that is given four processors often sees
 * all of its machine's; what it is given is the quota of a control group, so much time in each period, and threads
 * beyond that only take turns. Version 2 keeps both numbers in cpu.max, version 1 in two files of the controller cpu.
 *
 * Limits of the groups above count too, so the path that /proc/self/cgroup names is walked up to the top. Inside a
 * container that path may be the host's, which is not there; the walk then ends where the container's own group lies.
 */
#define _GNU_SOURCE
#include "base/processors.h"
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH = 4096 };

/* The number in the first line of a file, and a second one if there is; how many were read. */
static int read_numbers(const char *path, long long *first, long long *second)
{
    FILE *f = fopen(path, "r");
    if (!f)
        return 0;
    const int n = fscanf(f, "%lld %lld", first, second);
    fclose(f);
    return n > 0 ? n : 0;
}

/* Processors of one group's folder, rounded up; 0: it has no limit. */
static int32_t quota_of(const char *folder, int version)
{
    char path[PATH + 32];
    long long quota = 0, period = 0, unused;
    snprintf(path, sizeof path, "%s/%s", folder, version == 2 ? "cpu.max" : "cpu.cfs_quota_us");
    if (version == 2) { /* "max 100000" or "250000 100000" */
        if (read_numbers(path, &quota, &period) != 2)
            return 0;
    } else {
        const int read = read_numbers(path, &quota, &unused);
        snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder);
        if (!read || !read_numbers(path, &period, &unused))
            return 0;
    }
    if (quota <= 0 || period <= 0 || quota / period >= INT32_MAX)
        return 0;
    return (int32_t)(quota / period + (quota % period != 0));
}

static int32_t smaller(int32_t a, int32_t b)
{
    return !a || (b && b < a) ? b : a;
}

/* The least quota from mount/group up to mount. */
static int32_t walk_up(const char *root, const char *mount, const char *group, int version)
{
    char folder[PATH];
    const int top = snprintf(folder, sizeof folder, "%s/sys/fs/cgroup%s", root, mount);
    if (top < 0 || top + strlen(group) + 1 > sizeof folder)
        return 0;
    memcpy(folder + top, group, strlen(group) + 1);
    for (int32_t least = 0;;) {
        least = smaller(least, quota_of(folder, version));
        char *slash = strrchr(folder + top, '/');
        if (!slash)
            return least;
        *slash = 0;
    }
}

/* Whether the controller cpu is among the names between the colons of a line of version 1. */
static int has_cpu(const char *names)
{
    for (; *names; names += names[strcspn(names, ",")] == ',' ? strcspn(names, ",") + 1 : strcspn(names, ","))
        if (!strncmp(names, "cpu", 3) && (names[3] == ',' || !names[3]))
            return 1;
    return 0;
}

int32_t fpc_processors_quota(const char *root)
{
    char line[PATH], path[PATH];
    int32_t least = 0;
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *f = fopen(path, "r");
    if (!f)
        return 0;
    while (fgets(line, sizeof line, f)) { /* 0::/group or 4:cpu,cpuacct:/group */
        char *names = strchr(line, ':'), *group = names ? strchr(names + 1, ':') : NULL;
        if (!group)
            continue;
        *group++ = 0;
        group[strcspn(group, "\n")] = 0;
        if (!names[1]) {
            least = smaller(least, walk_up(root, "", group, 2));
            least = smaller(least, walk_up(root, "/unified", group, 2));
        } else if (has_cpu(names + 1)) {
            least = smaller(least, walk_up(root, "/cpu", group, 1));
            least = smaller(least, walk_up(root, "/cpu,cpuacct", group, 1));
        }
    }
    fclose(f);
    return least;
}

int32_t fpc_processors(void)
{
    cpu_set_t set;
    const int32_t quota = fpc_processors_quota("");
    int32_t n = 0;
    if (!sched_getaffinity(0, sizeof set, &set))
        n = CPU_COUNT(&set);
    if (n < 1) { /* more than 1024 processors */
        const long online = sysconf(_SC_NPROCESSORS_ONLN);
        n = online > 0 ? (int32_t)online : 1;
    }
    return smaller(n, quota);
}
