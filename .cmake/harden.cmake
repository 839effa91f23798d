# Hardening flags, each where the compiler has it. Sets up httpool_hardening.
include(CheckCCompilerFlag)
include(CheckLinkerFlag)

foreach(flag -fstack-protector-strong -fstack-clash-protection
             -fcf-protection=full -fno-strict-aliasing
             -fno-strict-overflow -fno-delete-null-pointer-checks
             -fno-plt)
  string(MAKE_C_IDENTIFIER "HTTPOOL_HAS${flag}" has)
  check_c_compiler_flag("-Werror ${flag}" ${has})
  if(${has})
    target_compile_options(httpool_hardening INTERFACE ${flag})
  endif()
endforeach()

# A level that the compiler has built in, or that the builder gave, is neither
# doubled nor lowered; and without optimisation glibc warns of any.
if(NOT "${CMAKE_C_FLAGS}" MATCHES "_FORTIFY_SOURCE|-O0")
  foreach(config Release RelWithDebInfo MinSizeRel)
    target_compile_options(httpool_hardening INTERFACE
      $<$<CONFIG:${config}>:-U_FORTIFY_SOURCE>
      $<$<CONFIG:${config}>:-D_FORTIFY_SOURCE=3>)
  endforeach()
endif()

foreach(flag relro now noexecstack separate-code defs)
  string(MAKE_C_IDENTIFIER "HTTPOOL_HAS_LINK_${flag}" has)
  check_linker_flag(C "-Wl,-z,${flag}" ${has})
  if(${has})
    target_link_options(httpool_hardening INTERFACE "LINKER:-z,${flag}")
  endif()
endforeach()
