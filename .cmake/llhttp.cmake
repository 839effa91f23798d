# llhttp: the one of LLHTTP_ROOT, else the system's library from version 9 on,
# else the C sources of Debian 12's package node-llhttp, compiled in strict
# mode into ours. Sets llhttp_target; LLHTTP_FOUND is true when llhttp is a
# library of its own.
set(LLHTTP_ROOT "" CACHE PATH "An unpacked llhttp >= 9: headers and library")

if(LLHTTP_ROOT)
  find_path(LLHTTP_INCLUDE_DIR llhttp.h PATHS ${LLHTTP_ROOT}
    ${LLHTTP_ROOT}/usr PATH_SUFFIXES include REQUIRED NO_DEFAULT_PATH)
  find_library(LLHTTP_LIBRARY NAMES libllhttp.so libllhttp.a PATHS
    ${LLHTTP_ROOT} ${LLHTTP_ROOT}/usr PATH_SUFFIXES lib
    lib/${CMAKE_LIBRARY_ARCHITECTURE} REQUIRED NO_DEFAULT_PATH)
  add_library(httpool_llhttp INTERFACE IMPORTED)
  target_include_directories(httpool_llhttp INTERFACE ${LLHTTP_INCLUDE_DIR})
  target_link_libraries(httpool_llhttp INTERFACE ${LLHTTP_LIBRARY})
  set(LLHTTP_FOUND TRUE)
  set(llhttp_target httpool_llhttp)
  message(STATUS "llhttp: ${LLHTTP_LIBRARY}")
  return()
endif()

pkg_check_modules(LLHTTP QUIET IMPORTED_TARGET libllhttp>=9)
if(LLHTTP_FOUND)
  set(llhttp_target PkgConfig::LLHTTP)
  message(STATUS "llhttp: the system's, ${LLHTTP_VERSION}")
  return()
endif()

find_path(LLHTTP_SOURCES llhttp.c
  PATHS /usr/share/llhttp /usr/local/share/llhttp NO_DEFAULT_PATH)
find_path(LLHTTP_HEADERS llhttp.h PATHS /usr/share/include/llhttp
  /usr/local/share/include/llhttp NO_DEFAULT_PATH)
if(NOT LLHTTP_SOURCES OR NOT LLHTTP_HEADERS)
  message(FATAL_ERROR "llhttp is missing. On Debian: apt-get install "
    "libllhttp-dev (13 and later) or node-llhttp (12).")
endif()
add_library(httpool_llhttp OBJECT ${LLHTTP_SOURCES}/api.c
  ${LLHTTP_SOURCES}/http.c ${LLHTTP_SOURCES}/llhttp.c)
target_include_directories(httpool_llhttp SYSTEM PUBLIC ${LLHTTP_HEADERS})
target_compile_definitions(httpool_llhttp PUBLIC LLHTTP_STRICT_MODE=1)
target_compile_options(httpool_llhttp PRIVATE -w)
target_link_libraries(httpool_llhttp PRIVATE httpool_hardening)
set(llhttp_target httpool_llhttp)
message(STATUS "llhttp: compiled in, from ${LLHTTP_SOURCES}")
