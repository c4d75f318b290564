/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Error handling: a ladder whose steps touch no more than they must.
 *
 *	ABORT TASK		one task
 *	ABORT TASK SET		the tasks of this login
 *	AGENT_RESET		likewise, for targets that know neither
 *	LOGICAL UNIT RESET	the logical unit
 *	TARGET RESET		all logical units of the target
 *	LOGIN afresh		the login
 *	bus reset		everybody on the bus
 *
 * What a target says that it does not know is not asked of it again. Tasks
 * that were not meant are given to the target once more, or end as lost where
 * that is not safe. All of these may sleep and must not be called from the
 * target's workqueue.
 */
#ifndef SBP2X_RECOVERY_H
#define SBP2X_RECOVERY_H

struct sbp2x_logical_unit;
struct sbp2x_task;

/**
 * sbp2x_recover_task() - end @task without its done call
 *
 * Return: 0: the task is the caller's, neither the target nor the agent will
 * touch it or its data any more (it may have completed meanwhile); -EIO: the
 * target could not be told.
 */
int sbp2x_recover_task(struct sbp2x_logical_unit *lu, struct sbp2x_task *task);

/* sbp2x_recover_logical_unit() - reset it. Return: 0 or -EIO */
int sbp2x_recover_logical_unit(struct sbp2x_logical_unit *lu);

/* sbp2x_recover_target() - reset all of it. Return: 0 or -EIO */
int sbp2x_recover_target(struct sbp2x_logical_unit *lu);

/* sbp2x_recover_login() - log in afresh, if need be by a bus reset. 0 or -EIO */
int sbp2x_recover_login(struct sbp2x_logical_unit *lu);

#endif
