# add_lua_scripts(target folder): every folder/*.lua becomes a C string with its SHA-1, in <build>/generated/lua_scripts.inc.
#
# A script may start with lines "--- include name": that file's text from folder/include/ stands there instead. Comments and indentation
# are left out of what is sent to Redis.
function(add_lua_scripts target folder)
    file(GLOB scripts CONFIGURE_DEPENDS ${folder}/*.lua)
    file(GLOB included CONFIGURE_DEPENDS ${folder}/include/*.lua)
    set(generated ${CMAKE_CURRENT_BINARY_DIR}/generated)
    add_custom_command(OUTPUT ${generated}/lua_scripts.inc
        COMMAND ${CMAKE_COMMAND} -DFOLDER=${folder} -DOUT=${generated}/lua_scripts.inc
            -P ${PROJECT_SOURCE_DIR}/cmake/EmbedLua.cmake
        DEPENDS ${scripts} ${included} ${PROJECT_SOURCE_DIR}/cmake/EmbedLua.cmake
        COMMENT "Embedding Lua scripts" VERBATIM)
    target_sources(${target} PRIVATE ${generated}/lua_scripts.inc)
    target_include_directories(${target} PRIVATE ${generated})
endfunction()
