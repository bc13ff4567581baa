/* The commands of the program. Each parses its own arguments (argv[0] is the command's name) and
 * returns an exit status. */
#pragma once

struct command {
    const char *name, *help;
    int (*run)(int argc, char **argv);
};

extern const struct command commands[]; /* ends with a NULL name */

int cmd_init(int argc, char **argv);
int cmd_train(int argc, char **argv);
int cmd_eval(int argc, char **argv);
int cmd_segment(int argc, char **argv);
int cmd_classify(int argc, char **argv);
int cmd_convert(int argc, char **argv);
int cmd_mine(int argc, char **argv);
int cmd_vocab(int argc, char **argv);
int cmd_nouns(int argc, char **argv);
int cmd_data(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_runs(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_plan(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_settings(int argc, char **argv);
int cmd_submit(int argc, char **argv);
int cmd_sweep(int argc, char **argv);

/* The same as cmd_train(), for other commands; *dir, when wanted, gets the run that closes the
 * chain, owned (NULL after a dry run). */
int train_command(int argc, char **argv, char **dir);

/* Prints the pending error; returns its code, which is the exit status. */
int cmd_failed(void);
