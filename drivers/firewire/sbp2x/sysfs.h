/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What people and tools see of a logical unit: a device of class sbp2x, and
 * uevents. Documentation/ABI/testing/sysfs-class-sbp2x describes it.
 */
#ifndef SBP2X_SYSFS_H
#define SBP2X_SYSFS_H

#include <linux/kfifo.h>
#include <linux/workqueue.h>

struct device;
struct sbp2x_logical_unit;

/* An edge in the life of a login */
enum sbp2x_edge {
	SBP2X_EDGE_UP,
	SBP2X_EDGE_LOST,
	SBP2X_EDGE_DOWN,
};

/* Everything inside is private */
struct sbp2x_class_device {
	struct sbp2x_logical_unit *lu;
	struct device *device;
	DECLARE_KFIFO(edges, u8, 16);
	struct work_struct work;
};

int sbp2x_sysfs_init(void);
void sbp2x_sysfs_exit(void);

/**
 * sbp2x_sysfs_add() - show @lu
 *
 * May sleep. Return: 0 or a negative error.
 */
int sbp2x_sysfs_add(struct sbp2x_class_device *view,
		    struct sbp2x_logical_unit *lu);

/*
 * sbp2x_sysfs_remove() - after this nobody looks at the logical unit any more.
 * For zeroed memory there is nothing to do. May sleep.
 */
void sbp2x_sysfs_remove(struct sbp2x_class_device *view);

/* sbp2x_sysfs_edge() - tell user space of an edge, soon. On the workqueue. */
void sbp2x_sysfs_edge(struct sbp2x_class_device *view, enum sbp2x_edge edge);

#endif
