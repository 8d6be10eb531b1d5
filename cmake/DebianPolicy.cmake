# Run by cpack over what is to be packed: what Debian's policy asks of a package and `cmake --install` need not do.
set(share ${CPACK_TEMPORARY_INSTALL_DIRECTORY}${CPACK_INSTALL_PREFIX}/share)
set(documents ${share}/doc/weavestream-backup)

file(RENAME ${documents}/LICENSE ${documents}/copyright)
configure_file(${CMAKE_CURRENT_LIST_DIR}/../packaging/changelog ${documents}/changelog COPYONLY)
execute_process(COMMAND gzip -9n ${documents}/changelog ${share}/man/man1/weavestream-backup.1 COMMAND_ERROR_IS_FATAL ANY)
