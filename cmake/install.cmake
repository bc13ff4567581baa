# cmake --install: the program under both of its names, its manual pages and completion, the shipped
# configs, the tables of classes and CLIP's vocabulary. All of it is found from where the program
# lies (base/shipped.c): the prefix may be moved as a whole.
#
# libtorch stays where it was found, and the program refers to it there; with
# -DOVSEG_INSTALL_LIBTORCH=ON it is copied into the prefix, too (966 MB).
option(OVSEG_INSTALL_LIBTORCH "Install libtorch, too" OFF)
include(GNUInstallDirs)
set(OVSEG_DATE 2026-11-30) # of this version, on its manual pages

# Pages and completion, out of the tables of the commands themselves: train/describe.
file(GLOB describe_sources CONFIGURE_DEPENDS train/describe/*.c)
add_executable(ovseg-describe ${describe_sources})
target_link_libraries(ovseg-describe PRIVATE train)
target_link_options(ovseg-describe PRIVATE -Wl,--wrap=argp_parse)
set(OVSEG_PAGES ${CMAKE_BINARY_DIR}/pages)
add_custom_command(OUTPUT ${OVSEG_PAGES}/ovseg.bash
    COMMAND ${CMAKE_COMMAND} -E env ASAN_OPTIONS=detect_leaks=0 $<TARGET_FILE:ovseg-describe> ${OVSEG_PAGES} ${OVSEG_DATE}
    DEPENDS ovseg-describe COMMENT "Writing manual pages and completion" VERBATIM)
add_custom_target(pages ALL DEPENDS ${OVSEG_PAGES}/ovseg.bash)

install(TARGETS ovseg RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(CODE "execute_process(COMMAND \"${CMAKE_COMMAND}\" -E create_symlink ovseg
    \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/ovseg-train\")")
install(DIRECTORY ${OVSEG_PAGES}/man1 ${OVSEG_PAGES}/man5 DESTINATION ${CMAKE_INSTALL_MANDIR})
install(FILES ${OVSEG_PAGES}/ovseg.bash
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME ovseg)
install(CODE "execute_process(COMMAND \"${CMAKE_COMMAND}\" -E create_symlink ovseg
    \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}/bash-completion/completions/ovseg-train\")")
install(FILES ${OVSEG_PAGES}/_ovseg DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)

install(DIRECTORY configs/ DESTINATION ${CMAKE_INSTALL_DATADIR}/ovseg/configs
    FILES_MATCHING PATTERN "*.yaml")
install(DIRECTORY data/labels DESTINATION ${CMAKE_INSTALL_DATADIR}/ovseg/data)
install(FILES data/relational_nouns.txt DESTINATION ${CMAKE_INSTALL_DATADIR}/ovseg/data)
install(FILES ${OVSEG_DEPS}/clip/bpe_simple_vocab_16e6.txt.gz
    DESTINATION ${CMAKE_INSTALL_DATADIR}/ovseg/clip OPTIONAL)
install(FILES README.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR})

if(OVSEG_INSTALL_LIBTORCH)
    get_filename_component(site_packages ${Libtorch_FOLDER} DIRECTORY)
    install(DIRECTORY ${Libtorch_FOLDER}/lib DESTINATION lib/ovseg/torch
        FILES_MATCHING PATTERN "*.so*" PATTERN "*python*" EXCLUDE)
    if(EXISTS ${site_packages}/nvidia) # libtorch_cpu finds these beside itself
        install(DIRECTORY ${site_packages}/nvidia DESTINATION lib/ovseg
            FILES_MATCHING PATTERN "*.so*")
    endif()
endif()
