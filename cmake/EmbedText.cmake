# embed_text(target file): the file becomes a C string literal, in <build>/generated/<file's name>.inc. Run as a script, it writes OUT from FILE.
if(CMAKE_SCRIPT_MODE_FILE)
    file(READ ${FILE} text)
    string(REPLACE "\\" "\\\\" literal "${text}")
    string(REPLACE "\"" "\\\"" literal "${literal}")
    string(REPLACE "\n" "\\n\"\n\"" literal "${literal}")
    file(WRITE ${OUT} "\"${literal}\"\n")
    return()
endif()

function(embed_text target file)
    get_filename_component(name ${file} NAME)
    set(generated ${CMAKE_CURRENT_BINARY_DIR}/generated)
    add_custom_command(OUTPUT ${generated}/${name}.inc
        COMMAND ${CMAKE_COMMAND} -DFILE=${file} -DOUT=${generated}/${name}.inc -P ${PROJECT_SOURCE_DIR}/cmake/EmbedText.cmake
        DEPENDS ${file} ${PROJECT_SOURCE_DIR}/cmake/EmbedText.cmake
        COMMENT "Embedding ${name}" VERBATIM)
    target_sources(${target} PRIVATE ${generated}/${name}.inc)
    target_include_directories(${target} PRIVATE ${generated})
endfunction()
