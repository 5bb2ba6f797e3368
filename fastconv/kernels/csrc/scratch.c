/* Thread-local slots; a pthread key's destructor frees them with the thread. */
#include "scratch.h"

#include <pthread.h>
#include <stdlib.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

/* Large slots lie on huge pages where the system has them: transformed kernels are written to many
 * planes at once, each on a page of its own; and one huge page that is filled to a quarter comes
 * faster than many small ones, for which the first call that writes to them would wait. */
enum { HUGE_PAGE = 2 << 20, FEWEST_HUGE = HUGE_PAGE / 4 };

typedef struct {
    void *memory[FC_SLOTS];
    size_t bytes[FC_SLOTS];
} slots;

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void release(void *held) {
    slots *s = held;
    for (int i = 0; i < FC_SLOTS; i++) free(s->memory[i]);
    free(s);
}
static void make_key(void) { pthread_key_create(&key, release); }

void *fc_scratch(int slot, size_t bytes) {
    pthread_once(&once, make_key);
    slots *s = pthread_getspecific(key);
    if (!s) {
        s = calloc(1, sizeof *s);
        if (!s || pthread_setspecific(key, s)) {
            free(s);
            return NULL;
        }
    }
    if (bytes > s->bytes[slot] || !s->memory[slot]) {
        void *memory = NULL;
        const int huge = bytes >= FEWEST_HUGE;
        const size_t page = huge ? HUGE_PAGE : 4096;
        const size_t rounded = (bytes + page - 1) / page * page + (huge ? 0 : page);
        free(s->memory[slot]);
        s->memory[slot] = NULL;
        s->bytes[slot] = 0;
        if (rounded < bytes || posix_memalign(&memory, huge ? page : 64, rounded)) return NULL;
#if defined(__linux__)
        if (huge) madvise(memory, rounded, MADV_HUGEPAGE);
#endif
        s->memory[slot] = memory;
        s->bytes[slot] = rounded;
    }
    return s->memory[slot];
}

size_t fc_scratch_held(void) {
    size_t total = 0;
    pthread_once(&once, make_key);
    slots *s = pthread_getspecific(key);
    for (int i = 0; s && i < FC_SLOTS; i++) total += s->bytes[i];
    return total;
}

void fc_scratch_release(void) {
    pthread_once(&once, make_key);
    slots *s = pthread_getspecific(key);
    if (s && !pthread_setspecific(key, NULL)) release(s);
}
