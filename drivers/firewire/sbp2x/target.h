/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One SBP-2 unit: its logical units, the fan-out of bus resets, and the order
 * in which everything comes to life and ends.
 */
#ifndef SBP2X_TARGET_H
#define SBP2X_TARGET_H

#include <scsi/scsi_proto.h>

#include "bus.h"
#include "management.h"
#include "memory.h"
#include "rom.h"
#include "scheduler.h"
#include "session.h"

struct fw_unit;
struct sbp2x_target;
struct sbp2x_logical_unit;

/* Tasks that a logical unit takes at a time: at first, and at most */
#define SBP2X_DEPTH	8
#define SBP2X_DEPTH_MAX	32

/* The device decides in which mode its tasks are given to it */
#define SBP2X_TASK_LIST_AUTO	(SBP2X_MODE_DOORBELL + 1)

/*
 * sbp2x_type_has_blocks() - disks and optical drives: made to be queued, and it
 * does no harm to read or write a block twice. @type: peripheral device type
 */
static inline bool sbp2x_type_has_blocks(u8 type)
{
	return type == TYPE_DISK || type == TYPE_ROM || type == TYPE_MOD ||
	       type == TYPE_RBC;
}

/**
 * struct sbp2x_target_ops - what the target tells those above
 *
 * On the target's workqueue; must not sleep for I/O. @changed: may sleep.
 *
 * @up: logged in, for the first time or again
 * @lost: the login was lost, tasks wait
 * @down: tasks fail
 * @changed: @read_only of the logical unit is another now
 */
struct sbp2x_target_ops {
	void (*up)(struct sbp2x_logical_unit *lu);
	void (*lost)(struct sbp2x_logical_unit *lu);
	void (*down)(struct sbp2x_logical_unit *lu);
	void (*changed)(struct sbp2x_logical_unit *lu);
};

/**
 * struct sbp2x_logical_unit
 * @lun: as in the ROM
 * @device_type: SCSI peripheral device type, as in the ROM
 * @fifo: where the target writes status to
 * @read_only: no command that can change the medium may leave us
 * @private: of those above
 */
struct sbp2x_logical_unit {
	struct sbp2x_target *target;
	u16 lun;
	u8 device_type;
	struct sbp2x_session session;
	struct sbp2x_range fifo;
	bool read_only;
	void *private;
	u64 status_malformed;
	u64 status_unexpected;
	u64 write_blocked;
};

/**
 * struct sbp2x_target_config - how to treat a unit
 * @exclusive: log in exclusively
 * @workarounds: the module parameter, see quirks.h
 * @task_list: enum sbp2x_agent_mode, or SBP2X_TASK_LIST_AUTO
 * @memory: how the target reaches our memory
 * @read_only: of its logical units, at first
 */
struct sbp2x_target_config {
	bool exclusive;
	u32 workarounds;
	int task_list;
	enum sbp2x_memory_mode memory;
	bool read_only;
};

/**
 * struct sbp2x_target
 * @info: what the ROM says
 * @quirks: SBP2X_QUIRK_*
 * @count: of logical units
 */
struct sbp2x_target {
	struct sbp2x_bus bus;
	struct sbp2x_memory memory;
	struct sbp2x_scheduler scheduler;
	struct sbp2x_management management;
	const struct sbp2x_target_ops *ops;
	struct sbp2x_unit_info info;
	u32 quirks;
	unsigned int count;
	struct sbp2x_logical_unit **logical_units;
	int generation;			/* that sbp2x_target_watch() saw */
};

/**
 * sbp2x_target_init() - understand the unit and prepare everything
 *
 * Sends nothing yet. Logs why where the unit cannot be used. May sleep.
 *
 * Return: 0, -EINVAL for a ROM that makes no sense, or -ENOMEM.
 */
int sbp2x_target_init(struct sbp2x_target *target, struct fw_unit *unit,
		      const struct sbp2x_target_ops *ops,
		      const struct sbp2x_target_config *config);

/* sbp2x_target_start() - log in to all logical units. Any context. */
void sbp2x_target_start(struct sbp2x_target *target);

/* sbp2x_target_bus_reset() - a new generation began, the target is there */
void sbp2x_target_bus_reset(struct sbp2x_target *target);

/**
 * sbp2x_target_watch() - notice by itself that the bus changed
 *
 * For as long as a removal waits: firewire-core tells an fw_driver of no bus
 * reset while its remove() runs. May sleep. Return: false if the node is gone.
 */
bool sbp2x_target_watch(struct sbp2x_target *target);

/**
 * sbp2x_target_stop() - log out; tasks fail from now on
 *
 * Waits for the logouts, which are bounded and skipped where pointless. No edge
 * is told afterwards.
 */
void sbp2x_target_stop(struct sbp2x_target *target);

/* sbp2x_target_gone() - like stop, but the node is not there any more */
void sbp2x_target_gone(struct sbp2x_target *target);

/* sbp2x_target_destroy() - after init, or after stop or gone. May sleep. */
void sbp2x_target_destroy(struct sbp2x_target *target);

/**
 * sbp2x_target_manage() - have a management operation done, and wait
 * @op: done, status_fifo and timeout_ms are filled in here
 *
 * May sleep; not on the workqueue. For error handling.
 */
enum sbp2x_management_outcome
sbp2x_target_manage(struct sbp2x_logical_unit *lu, struct sbp2x_operation *op);

/**
 * sbp2x_logical_unit_use_password() - log in with a password from now on
 * @password: bytes, SBP2X_MANAGEMENT_PASSWORD_MAX at most
 * @length: of them; 0 for none
 *
 * May sleep; not on the workqueue. Return: 0, -EINVAL (too long), or -ENOMEM.
 */
int sbp2x_logical_unit_use_password(struct sbp2x_logical_unit *lu,
				    const char *password, size_t length);

/**
 * sbp2x_logical_unit_set_password() - SET PASSWORD, and use it from now on
 *
 * As above; or -EIO: the target did not take it.
 */
int sbp2x_logical_unit_set_password(struct sbp2x_logical_unit *lu,
				    const char *password, size_t length);

#endif
