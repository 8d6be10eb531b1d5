# Fails when a source file needs what only glibc has: each of ours is checked by a compiler that knows musl's headers, as the image's does. What
# musl lacks is made up for in common/libc.h. The libraries' and the kernel's headers are the system's, lent by links.
cmake_minimum_required(VERSION 3.25)

set(lent ${WORK}/musl_headers)
file(REMOVE_RECURSE ${lent})
file(MAKE_DIRECTORY ${lent}/any ${lent}/arch)
set(libraries curl event2 hiredis jansson.h jansson_config.h libpq libpq-fe.h msgpack msgpack.h openssl pg_config_ext.h postgres_ext.h)
foreach(name asm asm-generic linux ${libraries})
    foreach(from any:/usr/include any:/usr/include/postgresql arch:/usr/include/${ARCHITECTURE})
        string(REGEX MATCH "^(.*):(.*)$" whole ${from})
        if(EXISTS ${CMAKE_MATCH_2}/${name})
            file(CREATE_LINK ${CMAKE_MATCH_2}/${name} ${lent}/${CMAKE_MATCH_1}/${name} SYMBOLIC)
        endif()
    endforeach()
endforeach()

file(GLOB files ${ROOT}/common/*.c ${ROOT}/protocol/*.c ${ROOT}/consumer/*.c ${ROOT}/jobs/*.c ${ROOT}/cli/*.c)
list(LENGTH files count)
if(count LESS 20)
    message(FATAL_ERROR "only ${count} files found under ${ROOT}: the check looked at the wrong place")
endif()
execute_process(COMMAND musl-gcc -std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only
        -DWEAVESTREAM_VERSION_TEXT="" -DWAY_TO_LIBEXEC="" -I${ROOT} -I${GENERATED} -idirafter ${lent}/any -idirafter ${lent}/arch ${files}
    RESULT_VARIABLE result)
if(NOT result EQUAL 0)
    message(FATAL_ERROR "not every file compiles with musl (${result})")
endif()
message(STATUS "${count} files compile with musl")
