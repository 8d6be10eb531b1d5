/* replay: gives a fuzzer every file of the folders named on the command line, once. No file at all is a failure. */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
replay_file(const char *path)
{
    static uint8_t bytes[1024 * 1024];
    FILE *file = fopen(path, "rb");
    uint8_t *exact;
    size_t size;

    assert(file != NULL);
    size = fread(bytes, 1, sizeof(bytes), file);
    (void)fclose(file);
    exact = malloc(size + 1); /* of its own size, so that reading beyond it is noticed */
    assert(exact != NULL);
    memcpy(exact, bytes, size);
    (void)LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

static int
replay_folder(const char *folder)
{
    DIR *directory = opendir(folder);
    const struct dirent *entry;
    int count = 0;

    assert(directory != NULL);
    while ((entry = readdir(directory)) != NULL) { /* NOLINT(concurrency-mt-unsafe): one thread */
        char path[4096];

        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        replay_file(path);
        count++;
    }
    (void)closedir(directory);
    return count;
}

int
main(int argc, char **argv)
{
    int count = 0;

    for (int i = 1; i < argc; i++)
        if (argv[i][0] != '-') /* libFuzzer's options mean nothing here */
            count += replay_folder(argv[i]);
    (void)printf("%d seeds\n", count);
    return count == 0;
}
