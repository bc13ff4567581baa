/* The commands of the program. Each parses its own arguments (argv[0] is the command's name) and
 * returns an exit status. */
#pragma once

struct command {
    const char *name, *help;
    int (*run)(int argc, char **argv);
};

extern const struct command commands[]; /* ends with a NULL name */

/* The commands that have parts: `ovseg runs list`. */
extern const struct command runs_parts[], mine_parts[], data_parts[], cache_parts[];
struct command_group {
    const char *command;
    const struct command *parts; /* end with a NULL name */
};
extern const struct command_group command_groups[]; /* ends with a NULL command */

/* Runs the part that argv[1] names, as "ovseg COMMAND PART"; otherwise says what there is, with
 * `more` as the last line: on stdout when it was asked for, else ERR_USAGE. */
int command_part(const char *command, const struct command *parts, const char *more, int argc,
                 char **argv);

int cmd_init(int argc, char **argv);
int cmd_train(int argc, char **argv);
int cmd_eval(int argc, char **argv);
int cmd_segment(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_classify(int argc, char **argv);
int cmd_convert(int argc, char **argv);
int cmd_export(int argc, char **argv);
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
int cmd_sources(int argc, char **argv);
int cmd_cache(int argc, char **argv);

/* The same as cmd_train(), for other commands; *dir, when wanted, gets the run that closes the
 * chain, owned (NULL after a dry run). */
int train_command(int argc, char **argv, char **dir);

/* Prints the pending error; returns its code, which is the exit status. */
int cmd_failed(void);
