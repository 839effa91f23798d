/* Runs a fuzz target over files, and over each beginning of them: a test of
 * the corpus where there is no libFuzzer.
 *
 *   replay FILE-OR-DIRECTORY... */
#include <dirent.h>
#include <sys/stat.h>

#include "fuzz.h"

#define FILE_MAX 65536u

static unsigned long inputs;

/* Each input is a block of its own, so that a read beyond it is found out. */
static void run(const uint8_t *bytes, size_t len) {
  uint8_t *copy = malloc(len > 0 ? len : 1);

  if (copy == NULL)
    abort();
  memcpy(copy, bytes, len);
  LLVMFuzzerTestOneInput(copy, len);
  free(copy);
  inputs++;
}

static int run_file(const char *path) {
  static uint8_t bytes[FILE_MAX];
  FILE *file = fopen(path, "rb");
  size_t len, i;

  if (file == NULL) {
    perror(path);
    return 1;
  }
  len = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  for (i = 0; i <= len && len < 4096; i++)
    run(bytes, i);
  run(bytes, len);
  return 0;
}

static int run_directory(const char *path, DIR *directory) {
  struct dirent *entry;
  int rc = 0;

  while ((entry = readdir(directory)) != NULL) {
    char name[1024];

    if (entry->d_name[0] == '.')
      continue;
    if (snprintf(name, sizeof name, "%s/%s", path, entry->d_name) >=
        (int)sizeof name)
      return 1;
    rc |= run_file(name);
  }
  return rc;
}

int main(int argc, char **argv) {
  int rc = 0;
  int i;

  for (i = 1; i < argc; i++) {
    DIR *directory = opendir(argv[i]);

    if (directory == NULL) {
      rc |= run_file(argv[i]);
      continue;
    }
    rc |= run_directory(argv[i], directory);
    closedir(directory);
  }
  printf("%lu inputs\n", inputs);
  return rc != 0 || inputs == 0;
}
