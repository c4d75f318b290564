// SPDX-License-Identifier: GPL-2.0-only
/* What only those who look for a fault want to see. */
#include "debugfs.h"

#include <linux/debugfs.h>
#include <linux/device.h>
#include <linux/module.h>

#include "target.h"

static struct dentry *root;

static void add_scheduler(struct dentry *parent,
			  struct sbp2x_scheduler *scheduler)
{
	struct dentry *folder = debugfs_create_dir("scheduler", parent);

	debugfs_create_u64("set", 0444, folder, &scheduler->count.sets);
	debugfs_create_u64("cancelled", 0444, folder,
			   &scheduler->count.cancels);
	debugfs_create_u64("fired", 0444, folder, &scheduler->count.fired);
	debugfs_create_u64("late", 0444, folder, &scheduler->count.late);
	debugfs_create_u64("latest_us", 0444, folder,
			   &scheduler->count.latest_us);
	debugfs_create_u64("armed", 0444, folder, &scheduler->count.arms);
	debugfs_create_u64("armed_again", 0444, folder,
			   &scheduler->count.rearms);
}

struct dentry *sbp2x_debugfs_add(struct sbp2x_target *target)
{
	struct dentry *folder = debugfs_create_dir(dev_name(target->bus.log),
						   root);

	add_scheduler(folder, &target->scheduler);
	return folder;
}

void sbp2x_debugfs_remove(struct dentry *folder)
{
	debugfs_remove_recursive(folder);
}

void sbp2x_debugfs_init(void)
{
	root = debugfs_create_dir(KBUILD_MODNAME, NULL);
}

void sbp2x_debugfs_exit(void)
{
	debugfs_remove_recursive(root);
}
