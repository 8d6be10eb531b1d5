# The C programs of the benchmarks, which tests/bench/*.mjs run: built with everything, so that they stay whole; not tests.
function(add_bench name)
    add_executable(${name} bench/${name}.c)
    target_link_libraries(${name} PRIVATE ${ARGN} warnings)
endfunction()

add_bench(protocol_worker consumer)
add_bench(protocol_limit protocol)
add_bench(cron_next protocol)
