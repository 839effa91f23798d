# `cmake --install`: header, libraries, pkg-config file and CMake package. All
# paths inside are relative to the files: the tree may be moved.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/httpool)
set(compatibility SameMajorVersion)
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(compatibility SameMinorVersion)
endif()

set(requires_private "")
set(libs_private "")
set(find_llhttp "")
if(LLHTTP_LIBRARY)
  set(libs_private ${LLHTTP_LIBRARY})
elseif(LLHTTP_FOUND)
  set(requires_private libllhttp)
  set(find_llhttp "pkg_check_modules(LLHTTP QUIET IMPORTED_TARGET libllhttp)")
endif()

file(RELATIVE_PATH up_to_prefix
  ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(.cmake/httpool.pc.in httpool.pc @ONLY)
configure_package_config_file(.cmake/httpoolConfig.cmake.in
  httpoolConfig.cmake INSTALL_DESTINATION ${package_dir}
  NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(httpoolConfigVersion.cmake
  COMPATIBILITY ${compatibility})

foreach(kind ${httpool_kinds})
  # One export set for each: the static one may need an llhttp, the shared
  # one does not.
  set_target_properties(httpool_${kind} PROPERTIES
    EXPORT_NAME httpool_${kind})
  install(TARGETS httpool_${kind} EXPORT httpool_${kind}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(EXPORT httpool_${kind} NAMESPACE httpool::
    DESTINATION ${package_dir})
endforeach()
install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.h")
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/httpool.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/httpoolConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/httpoolConfigVersion.cmake
  DESTINATION ${package_dir})
