# The libraries: httpool_static and httpool_shared, of the same objects. Both
# are always targets; one that BUILD_SHARED_LIBS rules out is built on demand
# only, and not installed.
set(httpool_kinds static shared)
include(CheckCCompilerFlag)
check_c_compiler_flag(-flto HTTPOOL_HAS_LTO)
set(lto OFF)
if(HTTPOOL_HAS_LTO AND CMAKE_C_COMPILER_ID STREQUAL "GNU" AND
   CMAKE_C_COMPILER_VERSION VERSION_GREATER_EQUAL 10 AND
   NOT HTTPOOL_TESTS AND NOT CMAKE_BUILD_TYPE STREQUAL "Debug" AND
   NOT "${CMAKE_C_FLAGS}" MATCHES "-fsanitize|-O0")
  set(lto ON)
endif()
option(HTTPOOL_LTO "Optimise over all files of the library at once (GCC)"
  ${lto})
if(DEFINED BUILD_SHARED_LIBS)
  set(httpool_kinds static)
  if(BUILD_SHARED_LIBS)
    set(httpool_kinds shared)
  endif()
endif()

set(objects $<TARGET_OBJECTS:httpool_objects>)
if(NOT LLHTTP_FOUND)
  list(APPEND objects $<TARGET_OBJECTS:httpool_llhttp>)
endif()

# All objects become one in which only the public names are global: a program
# may have an llhttp of its own. GCC optimises over all of them then, which
# saves a tenth of the instructions of a request; what comes out is an ordinary
# object. (Not in a build with tests: they stand in for functions by name.)
if(UNIX AND NOT APPLE AND CMAKE_OBJCOPY AND
   NOT CMAKE_INTERPROCEDURAL_OPTIMIZATION AND
   NOT "${CMAKE_C_FLAGS}" MATCHES "-flto")
  separate_arguments(flags NATIVE_COMMAND "${CMAKE_C_FLAGS}")
  list(FILTER flags EXCLUDE REGEX "^-fsanitize") # those add a runtime
  if(HTTPOOL_LTO)
    set(compiled httpool_objects)
    if(NOT LLHTTP_FOUND)
      list(APPEND compiled httpool_llhttp)
    endif()
    foreach(target ${compiled})
      target_compile_options(${target} PRIVATE -flto)
      target_compile_definitions(${target} PRIVATE HTTPOOL_LTO)
    endforeach()
    list(APPEND flags -flto -flto-partition=one -fwhole-program
      -flinker-output=nolto-rel -fPIC
      "$<$<CONFIG:Release>:-O3>$<$<NOT:$<CONFIG:Release>>:-O2>"
      "$<FILTER:$<TARGET_PROPERTY:httpool_hardening,INTERFACE_COMPILE_OPTIONS>,EXCLUDE,^$>")
  endif()
  set(one_object ${CMAKE_CURRENT_BINARY_DIR}/httpool.o)
  add_custom_command(OUTPUT ${one_object}
    COMMAND ${CMAKE_C_COMPILER} ${flags} -r -nostdlib
      -o ${one_object} ${objects}
    COMMAND ${CMAKE_OBJCOPY} --wildcard "--keep-global-symbol=pool_[!_]*"
      ${one_object}
    DEPENDS httpool_objects ${objects} COMMAND_EXPAND_LISTS VERBATIM)
  add_custom_target(httpool_one_object DEPENDS ${one_object})
  set(objects ${one_object})
endif()
add_library(httpool_static STATIC ${objects})
add_library(httpool_shared SHARED ${objects})
if(TARGET httpool_one_object) # made once, not by each of them
  add_dependencies(httpool_static httpool_one_object)
  add_dependencies(httpool_shared httpool_one_object)
endif()

foreach(kind static shared)
  add_library(httpool::httpool_${kind} ALIAS httpool_${kind})
  set_target_properties(httpool_${kind} PROPERTIES
    OUTPUT_NAME httpool LINKER_LANGUAGE C)
  target_include_directories(httpool_${kind} PUBLIC
    $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(httpool_${kind} PUBLIC PkgConfig::LIBUV)
  if(NOT kind IN_LIST httpool_kinds)
    set_target_properties(httpool_${kind} PROPERTIES EXCLUDE_FROM_ALL TRUE)
  endif()
endforeach()
if(LLHTTP_FOUND)
  target_link_libraries(httpool_shared PRIVATE ${llhttp_target})
  target_link_libraries(httpool_static PRIVATE
    $<BUILD_INTERFACE:${llhttp_target}>
    $<INSTALL_INTERFACE:${LLHTTP_LIBRARY}>
    $<INSTALL_INTERFACE:$<$<NOT:$<BOOL:${LLHTTP_LIBRARY}>>:PkgConfig::LLHTTP>>)
endif()
target_link_libraries(httpool_shared PRIVATE httpool_hardening)
if(UNIX AND NOT APPLE)
  target_link_options(httpool_shared PRIVATE
    LINKER:--as-needed LINKER:--exclude-libs,ALL)
endif()

# Before 1.0 a minor version may break the ABI, from then on a major one.
set(soversion ${PROJECT_VERSION_MAJOR})
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(soversion 0.${PROJECT_VERSION_MINOR})
endif()
set_target_properties(httpool_shared PROPERTIES
  VERSION ${PROJECT_VERSION} SOVERSION ${soversion})

if("shared" IN_LIST httpool_kinds)
  add_library(httpool::httpool ALIAS httpool_shared)
else()
  add_library(httpool::httpool ALIAS httpool_static)
endif()
