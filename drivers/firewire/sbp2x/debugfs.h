/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What only those who look for a fault want to see, below
 * /sys/kernel/debug/sbp2x. Documentation/ABI/testing/debugfs-sbp2x has it.
 */
#ifndef SBP2X_DEBUGFS_H
#define SBP2X_DEBUGFS_H

struct dentry;
struct sbp2x_target;

void sbp2x_debugfs_init(void);
void sbp2x_debugfs_exit(void);

/**
 * sbp2x_debugfs_add() - show @target
 *
 * May sleep. Nothing depends on its success.
 *
 * Return: what sbp2x_debugfs_remove() takes, before the target is destroyed.
 */
struct dentry *sbp2x_debugfs_add(struct sbp2x_target *target);

/* sbp2x_debugfs_remove() - nobody looks any more when this returns */
void sbp2x_debugfs_remove(struct dentry *folder);

#endif
