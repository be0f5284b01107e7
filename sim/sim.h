/*
 * sim.h - tessera-sim's subcommands, and how they complain.
 *
 * Exit statuses are those of tessera(1): 0 done, 1 it failed, 2 the command
 * line is wrong, 3 nobody answers.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

enum sim_status { SIM_OK = 0, SIM_FAILED = 1, SIM_USAGE = 2, SIM_UNREACHABLE = 3 };

struct sim_command {
	const char *name;
	const char *words;	/* its arguments as the usage shows them */
	const char *summary;
	int (*run)(int argc, char **argv);	/* argv[0] is the name; an enum sim_status */
};

extern const struct sim_command sim_commands[];
extern const int sim_command_count;

/* "tessera-sim NAME: ..." to standard error, with the command's usage after a
 * SIM_USAGE.  Returns status. */
int sim_complain(enum sim_status status, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The usage line of a command to standard output; SIM_OK. */
int sim_usage(const char *name);

/* A decimal number of at least least and at most most.  TSR_INVALID. */
int sim_number(const char *text, long least, long most, long *out);

/* Each subcommand, in the file of its name. */
int sim_card(int argc, char **argv);
int sim_ctl(int argc, char **argv);
int sim_key(int argc, char **argv);
int sim_pcscd(int argc, char **argv);
int sim_run(int argc, char **argv);

#endif
