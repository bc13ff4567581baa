# libovseg (include/ovseg.h), and what programs find it by: a pkg-config file and a CMake package.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

add_library(libovseg SHARED train/library/ovseg.c)
set_target_properties(libovseg PROPERTIES OUTPUT_NAME ovseg VERSION ${PROJECT_VERSION} SOVERSION 0
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib
    LINK_DEPENDS ${CMAKE_SOURCE_DIR}/train/library/ovseg.map)
target_link_libraries(libovseg PRIVATE train)
target_include_directories(libovseg INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_options(libovseg PRIVATE
    -Wl,--version-script=${CMAKE_SOURCE_DIR}/train/library/ovseg.map -Wl,--gc-sections -Wl,--as-needed
    # libtorch's own libraries are found at run time, where libtorch lies
    INTERFACE -Wl,--allow-shlib-undefined)

install(TARGETS libovseg EXPORT ovseg LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library NAMELINK_COMPONENT library)
install(FILES include/ovseg.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT library)
install(EXPORT ovseg NAMESPACE ovseg:: FILE ovseg-targets.cmake DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/ovseg
    COMPONENT library)
file(WRITE ${CMAKE_BINARY_DIR}/cmake/ovseg-config.cmake
    "# find_package(ovseg): the library ovseg::libovseg\ninclude(\${CMAKE_CURRENT_LIST_DIR}/ovseg-targets.cmake)\n")
write_basic_package_version_file(${CMAKE_BINARY_DIR}/cmake/ovseg-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/cmake/ovseg-config.cmake ${CMAKE_BINARY_DIR}/cmake/ovseg-config-version.cmake
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/ovseg COMPONENT library)
# Where it lies says where the rest is: the prefix may be moved.
file(RELATIVE_PATH to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
file(WRITE ${CMAKE_BINARY_DIR}/cmake/ovseg.pc
    "prefix=\${pcfiledir}/${to_prefix}\n"
    "Name: ovseg\nDescription: pictures segmented with any names\nVersion: ${PROJECT_VERSION}\n"
    "Libs: -L\${prefix}/${CMAKE_INSTALL_LIBDIR} -lovseg -Wl,--allow-shlib-undefined\n"
    "Cflags: -I\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}\n")
install(FILES ${CMAKE_BINARY_DIR}/cmake/ovseg.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT library)
