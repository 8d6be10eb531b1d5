/*
 * fuzz: what every fuzzer has: libFuzzer's entry. Built with WEAVESTREAM_FUZZ, libFuzzer calls it; else replay.c does, with the seeds.
 *
 * A fuzzer asserts what must hold for any input; assert is always on here.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#undef NDEBUG
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
