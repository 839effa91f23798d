# What resilience.sh, overload.sh and burst.sh run: servers, and callers of each
# library. libcurl's are left out where it is not installed.
add_library(bench_load STATIC serve.c random.c)
target_link_libraries(bench_load PUBLIC bench_common m PRIVATE httpool_flags)

add_executable(bench_resilience_server resilience_server.c resilience_plan.c
  $<TARGET_OBJECTS:bench_alloc_plain>)
add_executable(bench_overload_server overload_server.c
  $<TARGET_OBJECTS:bench_alloc_plain>)
foreach(server resilience overload)
  target_link_libraries(bench_${server}_server PRIVATE bench_load httpool_flags)
endforeach()

set(bench_libraries pool)
set(bench_links_pool httpool_static)
pkg_check_modules(LIBCURL IMPORTED_TARGET libcurl)
if(LIBCURL_FOUND)
  list(APPEND bench_libraries curl)
  set(bench_links_curl PkgConfig::LIBCURL)
else()
  message(STATUS "libcurl is not there: no benchmarks of it")
endif()

foreach(library ${bench_libraries})
  foreach(program callers burst)
    set(target bench_${program}_${library})
    add_executable(${target} ${program}.c contestant_${library}.c
      $<TARGET_OBJECTS:bench_alloc_plain>)
    target_link_libraries(${target} PRIVATE
      bench_load ${bench_links_${library}} httpool_flags)
  endforeach()
endforeach()
