// SPDX-License-Identifier: GPL-2.0-only
/* One SBP-2 unit. */
#include "target.h"

#include <linux/completion.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/firewire.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "quirks.h"

/* Room for one status FIFO; targets may write nowhere else in it */
#define STATUS_FIFO_LENGTH	SBP2X_STATUS_MAX

/* A logout that takes longer is left to the target's reconnect hold */
#define LOGOUT_PATIENCE_MS	5000
#define WATCH_INTERVAL_MS	100

/* Status blocks */

static bool status_is_well_formed(const struct sbp2x_inbound *in)
{
	return in->tcode == TCODE_WRITE_BLOCK_REQUEST && !in->offset &&
	       in->length >= SBP2X_STATUS_MIN &&
	       in->length <= SBP2X_STATUS_MAX;
}

static int fifo_write(struct sbp2x_range *range, const struct sbp2x_inbound *in)
{
	struct sbp2x_logical_unit *lu = container_of(range, typeof(*lu), fifo);
	struct sbp2x_target *target = lu->target;
	struct sbp2x_status_block status = {};

	if (!status_is_well_formed(in)) {
		lu->status_malformed++;
		dev_warn_ratelimited(target->bus.log,
				     "LUN %04x: node %04x sent a malformed status block, ignored\n",
				     lu->lun, in->source);
		return RCODE_TYPE_ERROR;
	}
	memcpy(&status, in->data, in->length);

	if (sbp2x_management_status(&target->management, in->source,
				    in->generation, &status) ||
	    sbp2x_agent_status(&lu->session.agent, in, &status))
		return RCODE_COMPLETE;

	lu->status_unexpected++;
	dev_dbg_ratelimited(target->bus.log,
			    "LUN %04x: node %04x sent a status that nobody waits for, ignored\n",
			    lu->lun, in->source);
	return RCODE_ADDRESS_ERROR;
}

/* Edges */

static struct sbp2x_logical_unit *session_lu(struct sbp2x_session *session)
{
	return container_of(session, struct sbp2x_logical_unit, session);
}

static void session_up(struct sbp2x_session *session)
{
	struct sbp2x_logical_unit *lu = session_lu(session);

	lu->target->ops->up(lu);
}

static void session_lost(struct sbp2x_session *session)
{
	struct sbp2x_logical_unit *lu = session_lu(session);

	dev_notice(lu->target->bus.log,
		   "LUN %04x: login lost, logging in again\n", lu->lun);
	lu->target->ops->lost(lu);
}

static void session_down(struct sbp2x_session *session)
{
	struct sbp2x_logical_unit *lu = session_lu(session);

	if (sbp2x_session_state(session) == SBP2X_SESSION_FAILED)
		dev_err(lu->target->bus.log,
			"failed to log in to LUN %04x; unplug and replug the device to try again\n",
			lu->lun);
	lu->target->ops->down(lu);
}

static const struct sbp2x_session_ops session_ops = {
	.up = session_up,
	.lost = session_lost,
	.down = session_down,
};

/* Making it */

/*
 * A page table is read by some targets (LIO's among them) in one request, so
 * it must fit into one packet.
 */
static unsigned int page_table_entries(struct sbp2x_target *target)
{
	struct sbp2x_path path;

	/* What one segment holds is all that such a device can be given */
	if (target->quirks & SBP2X_QUIRK_NO_PAGE_TABLE)
		return 1;

	sbp2x_bus_path(&target->bus, &path);
	return min_t(unsigned int, SBP2X_PAGE_TABLE_MAX,
		     (4U << path.max_payload) /
		     sizeof(struct sbp2x_page_table_entry));
}

/* There are scanners that stand still for ever when they see a second ORB */
static enum sbp2x_agent_mode task_list_mode(const struct sbp2x_logical_unit *lu,
					    int wanted)
{
	if (wanted != SBP2X_TASK_LIST_AUTO)
		return wanted;
	if (lu->target->quirks & SBP2X_QUIRK_SERIAL)
		return SBP2X_MODE_SERIAL;

	return sbp2x_type_has_blocks(lu->device_type) ? SBP2X_MODE_CHAIN :
							SBP2X_MODE_SERIAL;
}

static int logical_unit_init(struct sbp2x_logical_unit *lu,
			     const struct sbp2x_target_config *wanted)
{
	struct sbp2x_target *target = lu->target;
	struct sbp2x_session_config config = {
		.lun = lu->lun,
		.exclusive = wanted->exclusive,
		.login_timeout_ms = target->info.mgt_orb_timeout_ms,
		.limits = {
			.mode = task_list_mode(lu, wanted->task_list),
			.depth = SBP2X_DEPTH_MAX,
			.orb_size = target->info.orb_size ?:
				    sizeof(struct sbp2x_command_orb),
			.page_table_entries = page_table_entries(target),
		},
	};
	int ret;

	/* The range first: the session tells the target where it is */
	lu->fifo.fn = fifo_write;
	lu->fifo.length = STATUS_FIFO_LENGTH;
	ret = target->bus.ops->range_add(&target->bus, &lu->fifo);
	if (ret)
		return ret;

	config.status_fifo = lu->fifo.offset;
	ret = sbp2x_session_init(&lu->session, &target->memory,
				 &target->scheduler,
				 &target->management, &session_ops, &config);
	if (ret)
		target->bus.ops->range_remove(&target->bus, &lu->fifo);

	return ret;
}

static int logical_unit_add(struct sbp2x_target *target,
			    const struct sbp2x_lun_info *info,
			    const struct sbp2x_target_config *config)
{
	struct sbp2x_logical_unit *lu = kzalloc(sizeof(*lu), GFP_KERNEL);
	int ret;

	if (!lu)
		return -ENOMEM;

	lu->target = target;
	lu->lun = info->lun;
	lu->device_type = info->device_type;
	lu->read_only = config->read_only;
	ret = logical_unit_init(lu, config);
	if (ret) {
		kfree(lu);
		return ret;
	}
	target->logical_units[target->count++] = lu;

	return 0;
}

static int target_parse_rom(struct sbp2x_target *target, struct fw_unit *unit)
{
	struct fw_device *device = fw_parent_device(unit);
	const char *complaint;
	int ret;

	ret = sbp2x_rom_parse(device->config_rom, device->config_rom_length,
			      unit->directory - device->config_rom,
			      &target->info, &complaint);
	if (complaint)
		dev_warn(target->bus.log, "configuration ROM: %s%s\n",
			 complaint, ret ? "; the device cannot be used" : "");

	return ret;
}

static void target_apply_quirks(struct sbp2x_target *target, u32 workarounds)
{
	const struct sbp2x_unit_info *info = &target->info;

	target->quirks = sbp2x_quirks_apply(workarounds,
					    info->firmware_revision,
					    info->model_id);
	if (target->quirks)
		dev_notice(target->bus.log,
			   "workarounds 0x%x (firmware_revision 0x%06x, model_id 0x%06x)\n",
			   target->quirks, info->firmware_revision,
			   info->model_id);
}

static int target_init_rooms(struct sbp2x_target *target,
			     const struct sbp2x_target_config *config)
{
	unsigned int i;
	int ret;

	ret = sbp2x_scheduler_init(&target->scheduler, NULL,
				   dev_name(target->bus.log));
	if (ret)
		return ret;

	ret = sbp2x_management_init(&target->management, &target->memory,
				    &target->scheduler,
				    target->info.management_agent);
	if (ret)
		goto err_scheduler;

	target->logical_units = kcalloc(target->info.count,
					sizeof(*target->logical_units),
					GFP_KERNEL);
	if (!target->logical_units) {
		ret = -ENOMEM;
		goto err_management;
	}

	for (i = 0; i < target->info.count && !ret; i++)
		ret = logical_unit_add(target, &target->info.logical_unit[i],
				       config);
	if (ret)
		sbp2x_target_destroy(target);

	return ret;

err_management:
	sbp2x_management_destroy(&target->management);
err_scheduler:
	sbp2x_scheduler_shutdown(&target->scheduler);
	sbp2x_scheduler_destroy(&target->scheduler);
	return ret;
}

int sbp2x_target_init(struct sbp2x_target *target, struct fw_unit *unit,
		      const struct sbp2x_target_ops *ops,
		      const struct sbp2x_target_config *config)
{
	int ret;

	target->ops = ops;
	sbp2x_bus_init(&target->bus, unit);

	ret = target_parse_rom(target, unit);
	if (ret)
		return ret;

	target_apply_quirks(target, config->workarounds);
	sbp2x_memory_init(&target->memory, &target->bus, config->memory);
	return target_init_rooms(target, config);
}

/* Its life */

static void post_all(struct sbp2x_target *target,
		     enum sbp2x_session_event event)
{
	unsigned int i;

	for (i = 0; i < target->count; i++)
		sbp2x_session_post(&target->logical_units[i]->session, event);
}

/*
 * The memory is opened for one generation. Where that is over already, the
 * next bus reset will be told of, and open it.
 */
static void target_open_memory(struct sbp2x_target *target)
{
	int ret = sbp2x_memory_open(&target->memory);

	if (ret)
		dev_dbg(target->bus.log, "memory not opened: %d\n", ret);
}

void sbp2x_target_start(struct sbp2x_target *target)
{
	target_open_memory(target);
	post_all(target, SBP2X_EVENT_START);
}

/* Run a function on the target's workqueue and wait for it */
struct target_job {
	struct work_struct work;
	struct sbp2x_target *target;
	struct sbp2x_operation *op;
};

static void target_run(struct target_job *job, struct sbp2x_target *target,
		       work_func_t fn)
{
	job->target = target;
	INIT_WORK_ONSTACK(&job->work, fn);
	queue_work(target->scheduler.wq, &job->work);
	flush_work(&job->work);
	destroy_work_on_stack(&job->work);
}

static void management_reset_job(struct work_struct *work)
{
	struct target_job *job = container_of(work, typeof(*job), work);

	sbp2x_management_bus_reset(&job->target->management);
}

void sbp2x_target_bus_reset(struct sbp2x_target *target)
{
	struct target_job job;

	target_open_memory(target);
	/* The sessions first: each replaces its own operation by a new one */
	post_all(target, SBP2X_EVENT_RESET);
	target_run(&job, target, management_reset_job);
}

bool sbp2x_target_watch(struct sbp2x_target *target)
{
	struct sbp2x_path path;

	if (!sbp2x_bus_path(&target->bus, &path))
		return false;

	if (path.generation != target->generation) {
		target->generation = path.generation;
		sbp2x_target_bus_reset(target);
	}
	return true;
}

/* One patience for all: logouts are queued on one management agent */
static void target_wait_over(struct sbp2x_target *target)
{
	unsigned int i, waited = 0;

	for (i = 0; i < target->count; i++) {
		struct sbp2x_session *s = &target->logical_units[i]->session;

		while (waited < LOGOUT_PATIENCE_MS &&
		       !sbp2x_session_wait(s, BIT(SBP2X_SESSION_GONE),
					   WATCH_INTERVAL_MS)) {
			waited += WATCH_INTERVAL_MS;
			if (!sbp2x_target_watch(target))
				return;
		}
	}
}

void sbp2x_target_stop(struct sbp2x_target *target)
{
	post_all(target, SBP2X_EVENT_STOP);
	target_wait_over(target);
	/* Also where it is over: a session is GONE before its user is told */
	sbp2x_target_gone(target);
}

void sbp2x_target_gone(struct sbp2x_target *target)
{
	post_all(target, SBP2X_EVENT_GONE);
	flush_workqueue(target->scheduler.wq);
}

static void management_shutdown_job(struct work_struct *work)
{
	struct target_job *job = container_of(work, typeof(*job), work);

	sbp2x_management_shutdown(&job->target->management);
}

/*
 * Nothing new comes in (ranges), nothing that was begun goes on (management,
 * scheduler), what is under way ends (bus, workqueue); then it is freed.
 */
void sbp2x_target_destroy(struct sbp2x_target *target)
{
	struct target_job job;
	unsigned int i;

	sbp2x_target_gone(target);
	for (i = 0; i < target->count; i++)
		target->bus.ops->range_remove(&target->bus,
					      &target->logical_units[i]->fifo);
	target_run(&job, target, management_shutdown_job);
	sbp2x_scheduler_shutdown(&target->scheduler);
	sbp2x_bus_drain(&target->bus);
	sbp2x_scheduler_destroy(&target->scheduler);

	for (i = 0; i < target->count; i++) {
		sbp2x_session_destroy(&target->logical_units[i]->session);
		kfree(target->logical_units[i]);
	}
	kfree(target->logical_units);
	sbp2x_management_destroy(&target->management);
}

/* Management operations for those who can sleep */

static void manage_done(struct sbp2x_operation *op)
{
	complete(op->private);
}

static void manage_job(struct work_struct *work)
{
	struct target_job *job = container_of(work, typeof(*job), work);

	sbp2x_management_queue(&job->target->management, job->op);
}

enum sbp2x_management_outcome
sbp2x_target_manage(struct sbp2x_logical_unit *lu, struct sbp2x_operation *op)
{
	DECLARE_COMPLETION_ONSTACK(done);
	struct target_job job = { .op = op };

	op->status_fifo = lu->fifo.offset;
	op->timeout_ms = SBP2X_OTHER_TIMEOUT_MS;
	op->done = manage_done;
	op->private = &done;
	target_run(&job, lu->target, manage_job);
	wait_for_completion(&done);

	return op->outcome;
}

/* Passwords */

struct password_job {
	struct target_job job;
	struct sbp2x_logical_unit *lu;
	struct sbp2x_operation op;
};

static struct password_job *password_job(struct sbp2x_logical_unit *lu,
					 const char *password, size_t length)
{
	struct password_job *job;

	if (length > sizeof(job->op.password))
		return ERR_PTR(-EINVAL);

	job = kzalloc(sizeof(*job), GFP_KERNEL);
	if (!job)
		return ERR_PTR(-ENOMEM);

	job->lu = lu;
	job->op.function = SBP2X_FUNCTION_SET_PASSWORD;
	job->op.lun_or_login_id = lu->session.login_id;
	job->op.password_length = length;
	memcpy(job->op.password, password, length);
	return job;
}

static void password_fn(struct work_struct *work)
{
	struct password_job *job = container_of(work, typeof(*job), job.work);
	struct sbp2x_session_config *config = &job->lu->session.config;

	memcpy(config->password, job->op.password, sizeof(config->password));
	config->password_length = job->op.password_length;
}

int sbp2x_logical_unit_use_password(struct sbp2x_logical_unit *lu,
				    const char *password, size_t length)
{
	struct password_job *job = password_job(lu, password, length);

	if (IS_ERR(job))
		return PTR_ERR(job);

	target_run(&job->job, lu->target, password_fn);
	kfree_sensitive(job);
	return 0;
}

int sbp2x_logical_unit_set_password(struct sbp2x_logical_unit *lu,
				    const char *password, size_t length)
{
	struct password_job *job = password_job(lu, password, length);
	int ret = 0;

	if (IS_ERR(job))
		return PTR_ERR(job);

	if (sbp2x_target_manage(lu, &job->op) == SBP2X_OP_ACCEPTED)
		target_run(&job->job, lu->target, password_fn);
	else
		ret = -EIO;
	kfree_sensitive(job);
	return ret;
}
