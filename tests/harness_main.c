/* By itself, so that a program that has a main of its own can use what the tests share. */
#include "tests/test.h"

int main(int argc, char **argv) { return test_main(argc, argv); }
