# Warnings, hardening and sanitizers, in one interface library. Each flag is probed: gcc and clang know different ones.
include(CheckCCompilerFlag)
include(CheckPIESupported)
check_pie_supported()

set(WEAVESTREAM_SANITIZE "" CACHE STRING "Sanitizers to build with, as -fsanitize= takes them")
option(WEAVESTREAM_FUZZ "Build the fuzzers (clang)" OFF)

add_library(warnings INTERFACE)

function(add_flags_if_known)
    foreach(flag ${ARGN})
        string(MAKE_C_IDENTIFIER "flag${flag}" known)
        check_c_compiler_flag("-Werror ${flag}" ${known})
        if(${known})
            target_compile_options(warnings INTERFACE ${flag})
        endif()
    endforeach()
endfunction()

add_flags_if_known(
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes
    -Wold-style-definition -Wcast-qual -Wcast-align -Wpointer-arith -Wwrite-strings -Wundef -Wvla -Wnull-dereference
    -Wdouble-promotion -Wimplicit-fallthrough
    -Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wjump-misses-init -Wformat-signedness -Wformat-overflow=2
    -Wformat-truncation=1
    -Wmissing-variable-declarations -Wcomma -Wassign-enum -Wconditional-uninitialized -Wunreachable-code)

if(WEAVESTREAM_SANITIZE)
    set(sanitize -fsanitize=${WEAVESTREAM_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_compile_options(${sanitize})
    add_link_options(${sanitize})
endif()

if(WEAVESTREAM_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
    add_link_options(-fsanitize=fuzzer-no-link)
endif()

if(CMAKE_BUILD_TYPE STREQUAL "Release")
    set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
    add_flags_if_known(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection
        -fcf-protection=full -fno-strict-overflow -ftrivial-auto-var-init=zero)
    add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
endif()
add_link_options(-Wl,--as-needed)
