# What is installed beside the programs, and the Debian package that `cpack` makes of all of it (preset `package`).
# Only at the installation is it known where to, and the unit has to say so.
install(CODE "
    cmake_path(ABSOLUTE_PATH CMAKE_INSTALL_PREFIX OUTPUT_VARIABLE prefix)
    cmake_path(APPEND prefix ${CMAKE_INSTALL_BINDIR} OUTPUT_VARIABLE bin_dir)
    cmake_path(APPEND prefix ${CMAKE_INSTALL_DOCDIR} OUTPUT_VARIABLE doc_dir)
    configure_file(${PROJECT_SOURCE_DIR}/packaging/weavestream-backup.service.in ${PROJECT_BINARY_DIR}/weavestream-backup.service @ONLY)
")
install(FILES ${PROJECT_BINARY_DIR}/weavestream-backup.service DESTINATION lib/systemd/system)
install(FILES packaging/weavestream-backup.sysusers DESTINATION lib/sysusers.d RENAME weavestream-backup.conf)
install(FILES docs/weavestream-backup.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES scripts/completion/weavestream-backup.bash
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME weavestream-backup)
install(FILES README.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
file(GLOB examples CONFIGURE_DEPENDS docker/*.yml docker/*.json)
install(FILES packaging/weavestream-backup.env ${examples} DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(PROGRAMS scripts/offhost-sync.sh DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)

set(CPACK_GENERATOR DEB)
set(CPACK_SET_DESTDIR ON) # so that the files are told where they will be, and not where they are packed
set(CPACK_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_CONTACT "The maintainers of weavestream-backup <maintainers@weavestream-backup.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "Takes the jobs of the queue 'backup', dumps Postgres with pg_dump, reads every
dump back before it counts, and prunes old ones.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "postgresql-client, systemd | systemd-standalone-sysusers, tzdata, ca-certificates")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "rsync, restic, redis-server, postgresql")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${PROJECT_SOURCE_DIR}/packaging/postinst ${PROJECT_SOURCE_DIR}/packaging/prerm ${PROJECT_SOURCE_DIR}/packaging/postrm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/DebianPolicy.cmake)
include(CPack)
