// SPDX-License-Identifier: GPL-2.0-only
/* The SCSI midlayer's view of a unit. */
#include "scsi.h"

#include <linux/completion.h>
#include <linux/device.h>
#include <linux/firewire.h>
#include <linux/module.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <scsi/scsi.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_device.h>
#include <scsi/scsi_eh.h>
#include <scsi/scsi_host.h>

#include "compat.h"
#include "debugfs.h"
#include "quirks.h"
#include "recovery.h"
#include "sense.h"
#include "sysfs.h"
#include "writeblock.h"

/* "SCSI devices that need it" wait this long before the first INQUIRY */
#define INQUIRY_DELAY_MS	12000

/* A scan that failed though the login holds is tried again */
#define SCAN_RETRIES		3
#define SCAN_RETRY_MS		1000

/* While a removal waits, look at the bus this often ... */
#define WATCH_MS		100
/* ... and give up a login that does not come back within */
#define REMOVAL_PATIENCE_MS	10000

/* 4 MiB; the block layer splits what has too many segments for that */
#define MAX_SECTORS		(SBP2X_DATA_MAX / 512)
#define QUIRK_MAX_SECTORS	256U	/* 128 KiB */
#define SEGMENT_SECTORS		(SBP2X_MAX_SEGMENT / 512)

/*
 * struct sbp2x_host - hostdata of the Scsi_Host
 * @removal: runs scsi_remove_host(), while remove() watches the bus
 * @cleanup: ends what runs outside the target's workqueue, after that
 * @removed: the one or the other is done
 */
struct sbp2x_host {
	struct sbp2x_target target;
	struct Scsi_Host *shost;
	bool exclusive;
	struct work_struct removal, cleanup;
	struct completion removed;
	struct sbp2x_scan *scans;
	struct dentry *debugfs;
};

/* The scan of one logical unit; it sleeps, so it has a workqueue of its own */
struct sbp2x_scan {
	struct sbp2x_host *host;
	struct sbp2x_logical_unit *lu;
	struct sbp2x_class_device view;
	struct delayed_work work;
	unsigned int failures;
	bool found;
	struct list_head abandoned;	/* commands: see command_abandon() */
};

struct sbp2x_command {
	struct sbp2x_task task;
	struct list_head link;		/* into abandoned */
	bool mapped;
};

static struct workqueue_struct *scan_wq;

/* INQUIRY and REPORT LUNS use LUNs in the form of SAM; so does lsscsi */
static u64 scsi_lun_of(const struct sbp2x_logical_unit *lu)
{
	struct scsi_lun sam = {};

	sam.scsi_lun[0] = lu->lun >> 8;
	sam.scsi_lun[1] = lu->lun & 0xff;

	return scsilun_to_int(&sam);
}

/* Commands */

static struct scsi_cmnd *task_to_cmnd(struct sbp2x_task *task)
{
	struct sbp2x_command *command = container_of(task, typeof(*command),
						     task);

	return (struct scsi_cmnd *)((char *)command - sizeof(struct scsi_cmnd));
}

static void command_unmap(struct scsi_cmnd *cmd)
{
	struct sbp2x_command *command = scsi_cmd_priv(cmd);

	if (command->mapped)
		scsi_dma_unmap(cmd);
	command->mapped = false;
}

static void command_set_result(struct scsi_cmnd *cmd,
			       const struct sbp2x_status_block *status,
			       size_t length)
{
	struct sbp2x_sense sense;

	sbp2x_sense_decode(status, length, &sense);
	switch (sense.verdict) {
	case SBP2X_VERDICT_STATUS:
		cmd->result = sense.sam_status;
		memcpy(cmd->sense_buffer, sense.data, sense.length);
		break;
	case SBP2X_VERDICT_RETRY:
	case SBP2X_VERDICT_ABORTED:
		set_host_byte(cmd, DID_SOFT_ERROR);
		break;
	case SBP2X_VERDICT_ERROR:
		set_host_byte(cmd, DID_ERROR);
		break;
	}
}

/* Write-block: the block device is read-only because the device says so */
static void command_mark_read_only(struct scsi_cmnd *cmd)
{
	struct sbp2x_logical_unit *lu = cmd->device->hostdata;
	struct scatterlist *sg = scsi_sglist(cmd);
	int at = sbp2x_writeblock_wp_byte(cmd->cmnd);
	u8 byte;

	if (at < 0 || !READ_ONCE(lu->read_only))
		return;
	if (sg_pcopy_to_buffer(sg, scsi_sg_count(cmd), &byte, 1, at) != 1)
		return;

	byte |= SBP2X_WRITEBLOCK_WP;
	sg_pcopy_from_buffer(sg, scsi_sg_count(cmd), &byte, 1, at);
}

static void command_done(struct sbp2x_task *task,
			 enum sbp2x_task_outcome outcome,
			 const struct sbp2x_status_block *status, size_t length)
{
	struct scsi_cmnd *cmd = task_to_cmnd(task);

	command_unmap(cmd);
	switch (outcome) {
	case SBP2X_TASK_STATUS:
		command_set_result(cmd, status, length);
		command_mark_read_only(cmd);
		break;
	case SBP2X_TASK_LOST:
		/* Nobody knows how far it came: I_T NEXUS LOSS OCCURRED */
		scsi_build_sense(cmd, 0, UNIT_ATTENTION, 0x29, 0x07);
		break;
	case SBP2X_TASK_GONE:
		set_host_byte(cmd, DID_NO_CONNECT);
		break;
	}
	scsi_done(cmd);
}

/*
 * Reading or writing a block twice is harmless; moving a tape, feeding a
 * sheet or burning a track twice is not. Before the type is known there are
 * only the scan's commands, which may be repeated.
 */
static bool is_repeatable(const struct scsi_device *sdev)
{
	return !sdev->inquiry || sbp2x_type_has_blocks(sdev->type);
}

/* Guarded data are copied by us, so nothing is mapped for the controller */
static int command_map(struct scsi_cmnd *cmd)
{
	struct sbp2x_logical_unit *lu = cmd->device->hostdata;
	struct sbp2x_command *command = scsi_cmd_priv(cmd);
	int nents;

	command->mapped = !sbp2x_memory_is_guarded(&lu->target->memory);
	if (!command->mapped)
		return scsi_sg_count(cmd);

	nents = scsi_dma_map(cmd);
	if (nents < 0)
		command->mapped = false;
	return nents;
}

static bool command_prepare(struct scsi_cmnd *cmd)
{
	struct sbp2x_command *command = scsi_cmd_priv(cmd);
	int nents = command_map(cmd);

	if (nents < 0)
		return false;

	command->task = (struct sbp2x_task) {
		.cdb = cmd->cmnd,
		.cdb_length = cmd->cmd_len,
		.data = {
			.sg = scsi_sglist(cmd),
			.nents = nents,
			.length = scsi_bufflen(cmd),
			.direction = cmd->sc_data_direction,
		},
		.repeatable = is_repeatable(cmd->device),
		.done = command_done,
	};
	return true;
}

/* True where the command is done, without the device */
static bool command_is_blocked(struct scsi_cmnd *cmd)
{
	struct sbp2x_logical_unit *lu = cmd->device->hostdata;

	if (!READ_ONCE(lu->read_only))
		return false;

	switch (sbp2x_writeblock_judge(cmd->cmnd, cmd->cmd_len,
				       lu->device_type)) {
	case SBP2X_WRITEBLOCK_PASS:
		return false;
	case SBP2X_WRITEBLOCK_SKIP:
		break;
	case SBP2X_WRITEBLOCK_REFUSE:
		/* WRITE PROTECTED */
		scsi_build_sense(cmd, 0, DATA_PROTECT, 0x27, 0x00);
		lu->write_blocked++;
		dev_info_ratelimited(lu->target->bus.log,
				     "LUN %04x: read_only: command %#04x was not let through\n",
				     lu->lun, cmd->cmnd[0]);
		break;
	}
	scsi_done(cmd);
	return true;
}

static int scsi_queuecommand(struct Scsi_Host *shost, struct scsi_cmnd *cmd)
{
	struct sbp2x_logical_unit *lu = cmd->device->hostdata;
	struct sbp2x_command *command = scsi_cmd_priv(cmd);
	int ret;

	if (command_is_blocked(cmd))
		return 0;
	if (!command_prepare(cmd))
		return SCSI_MLQUEUE_HOST_BUSY;

	ret = sbp2x_session_submit(&lu->session, &command->task);
	if (!ret)
		return 0;

	command_unmap(cmd);
	if (ret == -EBUSY)
		return SCSI_MLQUEUE_DEVICE_BUSY;

	if (ret == -ENODEV)
		set_host_byte(cmd, DID_NO_CONNECT);
	else
		scsi_build_sense(cmd, 0, ILLEGAL_REQUEST, 0x20, 0x00);
	scsi_done(cmd);
	return 0;
}

/* Error handling */

/*
 * A timeout says something of the device only where the device has the
 * command and could have answered.
 */
static enum sbp2x_timeout_action scsi_timed_out(struct scsi_cmnd *cmd)
{
	struct sbp2x_logical_unit *lu = cmd->device->hostdata;
	struct sbp2x_command *command = scsi_cmd_priv(cmd);

	if (sbp2x_session_is_busy(&lu->session) ||
	    !sbp2x_agent_task_runs(&lu->session.agent, &command->task))
		return SBP2X_TIMEOUT_RESET;

	return SBP2X_TIMEOUT_ABORT;
}

/*
 * A command whose end the target was not told of keeps its memory mapped: the
 * target may still write there. Error handling is one thread at a time, and
 * does not let go of a command before a reset was tried.
 */
static void command_abandon(struct scsi_cmnd *cmd)
{
	struct sbp2x_logical_unit *lu = cmd->device->hostdata;
	struct sbp2x_command *command = scsi_cmd_priv(cmd);
	struct sbp2x_scan *scan = lu->private;

	list_add_tail(&command->link, &scan->abandoned);
}

static void unmap_abandoned(struct sbp2x_logical_unit *lu)
{
	struct sbp2x_command *command, *next;
	struct sbp2x_scan *scan = lu->private;

	list_for_each_entry_safe(command, next, &scan->abandoned, link) {
		list_del(&command->link);
		command_unmap(task_to_cmnd(&command->task));
	}
}

static int scsi_abort(struct scsi_cmnd *cmd)
{
	struct sbp2x_logical_unit *lu = cmd->device->hostdata;
	struct sbp2x_command *command = scsi_cmd_priv(cmd);
	int ret = sbp2x_recover_task(lu, &command->task);

	if (ret)
		command_abandon(cmd);
	else
		command_unmap(cmd);
	scmd_printk(KERN_NOTICE, cmd, "timed out, %s\n",
		    ret ? "and the target does not let itself be reset" :
			  "aborted");
	return ret ? FAILED : SUCCESS;
}

/*
 * The error handler begins when it has all commands of the host: some were
 * aborted, but one that timed out again after that was not, and is about to
 * be used by it. Who resets from elsewhere, by ioctl, has none of them.
 */
static void take_back(struct sbp2x_logical_unit *lu)
{
	struct sbp2x_host *host = container_of(lu->target, typeof(*host), target);
	struct sbp2x_task *task, *next;
	LIST_HEAD(tasks);

	if (current != host->shost->ehandler)
		return;

	sbp2x_agent_withdraw(&lu->session.agent, &tasks);
	list_for_each_entry_safe(task, next, &tasks, link) {
		list_del(&task->link);
		command_abandon(task_to_cmnd(task));
	}
}

static void take_all_back(struct sbp2x_target *target)
{
	unsigned int i;

	for (i = 0; i < target->count; i++)
		take_back(target->logical_units[i]);
}

static void unmap_all_abandoned(struct sbp2x_target *target)
{
	unsigned int i;

	for (i = 0; i < target->count; i++)
		unmap_abandoned(target->logical_units[i]);
}

static int scsi_device_reset(struct scsi_cmnd *cmd)
{
	struct sbp2x_logical_unit *lu = cmd->device->hostdata;
	int ret;

	take_back(lu);
	ret = sbp2x_recover_logical_unit(lu);
	if (!ret)
		unmap_abandoned(lu);
	sdev_printk(KERN_NOTICE, cmd->device, "logical unit reset %s\n",
		    ret ? "failed" : "done");
	return ret ? FAILED : SUCCESS;
}

static int scsi_target_reset(struct scsi_cmnd *cmd)
{
	struct sbp2x_logical_unit *lu = cmd->device->hostdata;
	int ret;

	take_all_back(lu->target);
	ret = sbp2x_recover_target(lu);
	if (!ret)
		unmap_all_abandoned(lu->target);
	sdev_printk(KERN_NOTICE, cmd->device, "target reset %s\n",
		    ret ? "failed" : "done");
	return ret ? FAILED : SUCCESS;
}

/* The last resort: log in afresh */
static int scsi_host_reset(struct scsi_cmnd *cmd)
{
	struct sbp2x_logical_unit *lu = cmd->device->hostdata;
	int ret;

	take_all_back(lu->target);
	ret = sbp2x_recover_login(lu);
	/* Nothing more can be done where it failed */
	unmap_all_abandoned(lu->target);
	return ret ? FAILED : SUCCESS;
}

/* Devices */

static int scsi_alloc(struct scsi_device *sdev)
{
	struct sbp2x_logical_unit *lu = sdev->hostdata;

	/* Logical units come from the ROM, not from a scan by the user */
	if (!lu)
		return -ENXIO;

	sdev->allow_restart = 1;
	if (lu->target->quirks & SBP2X_QUIRK_INQUIRY_36)
		sdev->inquiry_len = 36;

	return 0;
}

static int scsi_configure(SBP2X_CONFIGURE_ARGS)
{
	struct sbp2x_logical_unit *lu = sdev->hostdata;
	struct sbp2x_host *host = shost_priv(sdev->host);
	u32 quirks = lu->target->quirks;

	sdev->use_10_for_rw = 1;
	if (sdev->type == TYPE_ROM)
		sdev->use_10_for_ms = 1;

	/* Others who are logged in may not want it to stop */
	if (host->exclusive) {
		sdev->manage_system_start_stop = 1;
		sdev->manage_runtime_start_stop = 1;
		sdev->manage_shutdown = 1;
	}
	if (sdev->type == TYPE_DISK && quirks & SBP2X_QUIRK_MODE_SENSE_8)
		sdev->skip_ms_page_8 = 1;
	if (quirks & SBP2X_QUIRK_FIX_CAPACITY)
		sdev->fix_capacity = 1;
	if (quirks & SBP2X_QUIRK_POWER_CONDITION)
		sdev->start_stop_pwr_cond = 1;
	if (quirks & SBP2X_QUIRK_128K_MAX_TRANS)
		sbp2x_limit_sectors(sdev, QUIRK_MAX_SECTORS);
	if (quirks & SBP2X_QUIRK_NO_PAGE_TABLE)
		sbp2x_limit_sectors(sdev, SEGMENT_SECTORS);
	/* Buffers that are not aligned so begin with a short segment */
	if (quirks & SBP2X_QUIRK_MIN_SEGMENT_16)
		sbp2x_limit_alignment(sdev, 15);

	return 0;
}

static int scsi_change_depth(struct scsi_device *sdev, int depth)
{
	return scsi_change_queue_depth(sdev, min(depth, SBP2X_DEPTH_MAX));
}

/* EUI-64 : directory ID : LUN: a name of the logical unit, SAM annex A */
static ssize_t ieee1394_id_show(struct device *dev,
				struct device_attribute *attr, char *buf)
{
	struct scsi_device *sdev = to_scsi_device(dev);
	struct sbp2x_logical_unit *lu = sdev->hostdata;

	return sysfs_emit(buf, "%016llx:%06x:%04x\n",
			  lu->target->info.unit_unique_id,
			  lu->target->info.directory_id, lu->lun);
}
static DEVICE_ATTR_RO(ieee1394_id);

static struct attribute *sdev_attrs[] = {
	&dev_attr_ieee1394_id.attr,
	NULL
};
ATTRIBUTE_GROUPS(sdev);

static SBP2X_TEMPLATE_CONST struct scsi_host_template host_template = {
	.module			= THIS_MODULE,
	.name			= "SBP-2 IEEE-1394",
	.proc_name		= "sbp2",
	.queuecommand		= scsi_queuecommand,
	.eh_timed_out		= scsi_timed_out,
	.eh_abort_handler	= scsi_abort,
	.eh_device_reset_handler = scsi_device_reset,
	.eh_target_reset_handler = scsi_target_reset,
	.eh_host_reset_handler	= scsi_host_reset,
	.SBP2X_ALLOC		= scsi_alloc,
	.SBP2X_CONFIGURE	= scsi_configure,
	.change_queue_depth	= scsi_change_depth,
	.this_id		= -1,
	.max_segment_size	= SBP2X_MAX_SEGMENT,
	.max_sectors		= MAX_SECTORS,
	.cmd_per_lun		= SBP2X_DEPTH,
	.cmd_size		= sizeof(struct sbp2x_command),
	.sdev_groups		= sdev_groups,
};

/* Scanning */

static void scan_fn(struct work_struct *work)
{
	struct sbp2x_scan *scan = container_of(to_delayed_work(work),
					       typeof(*scan), work);
	struct sbp2x_session *session = &scan->lu->session;
	struct scsi_device *sdev;

	sdev = __scsi_add_device(scan->host->shost, 0, 0,
				 scsi_lun_of(scan->lu), scan->lu);
	if (!IS_ERR(sdev)) {
		scan->found = true;
		scsi_device_put(sdev);
		return;
	}

	/* Without a login there will be another edge, and another scan */
	if (sbp2x_session_state(session) != SBP2X_SESSION_LOGGED_IN)
		return;

	if (++scan->failures <= SCAN_RETRIES)
		queue_delayed_work(scan_wq, &scan->work,
				   msecs_to_jiffies(SCAN_RETRY_MS));
	else
		dev_err(scan->host->target.bus.log,
			"LUN %04x does not answer SCSI commands; unplug and replug the device to try again\n",
			scan->lu->lun);
}

/* Only while it can be seen: not before it is complete, nor at its end */
static void tell_edge(struct sbp2x_logical_unit *lu, enum sbp2x_edge edge)
{
	struct sbp2x_scan *scan = lu->private;

	if (scan && scan->view.device)
		sbp2x_sysfs_edge(&scan->view, edge);
}

static void target_up(struct sbp2x_logical_unit *lu)
{
	struct sbp2x_scan *scan = lu->private;
	bool delay = lu->target->quirks & SBP2X_QUIRK_DELAY_INQUIRY;

	tell_edge(lu, SBP2X_EDGE_UP);
	if (scan->found)
		return;

	scan->failures = 0;
	queue_delayed_work(scan_wq, &scan->work,
			   msecs_to_jiffies(delay ? INQUIRY_DELAY_MS : 0));
}

static void target_lost(struct sbp2x_logical_unit *lu)
{
	tell_edge(lu, SBP2X_EDGE_LOST);
}

static void target_down(struct sbp2x_logical_unit *lu)
{
	tell_edge(lu, SBP2X_EDGE_DOWN);
}

/* Whether it may be written to is asked of the device once more */
static void target_changed(struct sbp2x_logical_unit *lu)
{
	struct sbp2x_scan *scan = lu->private;
	struct scsi_device *sdev;

	sdev = scsi_device_lookup(scan->host->shost, 0, 0, scsi_lun_of(lu));
	if (!sdev)
		return;

	scsi_rescan_device(sdev);
	scsi_device_put(sdev);
}

static const struct sbp2x_target_ops target_ops = {
	.up = target_up,
	.lost = target_lost,
	.down = target_down,
	.changed = target_changed,
};

static void host_hide(struct sbp2x_host *host)
{
	unsigned int i;

	for (i = 0; i < host->target.count; i++)
		sbp2x_sysfs_remove(&host->scans[i].view);
}

static int host_make_scans(struct sbp2x_host *host)
{
	struct sbp2x_target *target = &host->target;
	unsigned int i;
	int ret = 0;

	host->scans = kcalloc(target->count, sizeof(*host->scans), GFP_KERNEL);
	if (!host->scans)
		return -ENOMEM;

	for (i = 0; i < target->count && !ret; i++) {
		struct sbp2x_scan *scan = &host->scans[i];

		scan->host = host;
		scan->lu = target->logical_units[i];
		scan->lu->private = scan;
		INIT_DELAYED_WORK(&scan->work, scan_fn);
		INIT_LIST_HEAD(&scan->abandoned);
		ret = sbp2x_sysfs_add(&scan->view, scan->lu);
	}
	if (ret)
		host_hide(host);

	return ret;
}

static void host_cancel_scans(struct sbp2x_host *host)
{
	unsigned int i;

	for (i = 0; i < host->target.count; i++)
		cancel_delayed_work_sync(&host->scans[i].work);
}

/* Life */

static void removal_fn(struct work_struct *work)
{
	struct sbp2x_host *host = container_of(work, typeof(*host), removal);

	host_cancel_scans(host);
	scsi_remove_host(host->shost);
	complete(&host->removed);
}

/*
 * firewire-core unbinds on a workqueue for reclaim, and whoever runs there must
 * not flush what runs elsewhere: so this is done here too.
 */
static void cleanup_fn(struct work_struct *work)
{
	struct sbp2x_host *host = container_of(work, typeof(*host), cleanup);

	/* A login that came while the SCSI host went has asked for a scan */
	host_cancel_scans(host);
	host_hide(host);
	complete(&host->removed);
}

static void host_limits(struct sbp2x_host *host)
{
	struct sbp2x_target *target = &host->target;
	const struct sbp2x_agent_limits *limits =
		&target->logical_units[0]->session.agent.limits;
	struct Scsi_Host *shost = host->shost;

	shost->max_cmd_len = min_t(unsigned int, SBP2X_CDB_SIZE,
				   limits->orb_size - SBP2X_ORB_HEADER_SIZE);
	shost->sg_tablesize = sbp2x_memory_is_guarded(&target->memory) ?
			      SG_ALL : limits->page_table_entries;
	shost->can_queue = target->count * limits->depth;
}

int sbp2x_scsi_add(struct fw_unit *unit,
		   const struct sbp2x_target_config *config)
{
	struct Scsi_Host *shost;
	struct sbp2x_host *host;
	int ret;

	shost = scsi_host_alloc(&host_template, sizeof(*host));
	if (!shost)
		return -ENOMEM;

	host = shost_priv(shost);
	host->shost = shost;
	host->exclusive = config->exclusive;
	INIT_WORK(&host->removal, removal_fn);
	INIT_WORK(&host->cleanup, cleanup_fn);
	init_completion(&host->removed);

	ret = sbp2x_target_init(&host->target, unit, &target_ops, config);
	if (ret)
		goto err_put;

	ret = host_make_scans(host);
	if (ret)
		goto err_target;

	host_limits(host);
	ret = scsi_add_host_with_dma(shost, &unit->device,
				     host->target.bus.dma);
	if (ret)
		goto err_hide;

	dev_set_drvdata(&unit->device, host);
	host->debugfs = sbp2x_debugfs_add(&host->target);
	sbp2x_target_start(&host->target);

	return 0;

err_hide:
	host_hide(host);
err_target:
	sbp2x_target_destroy(&host->target);
	kfree(host->scans);
err_put:
	scsi_host_put(shost);
	return ret;
}

void sbp2x_scsi_bus_reset(struct fw_unit *unit)
{
	struct sbp2x_host *host = dev_get_drvdata(&unit->device);

	sbp2x_target_bus_reset(&host->target);
}

static bool host_is_trying(struct sbp2x_host *host)
{
	unsigned int i;

	for (i = 0; i < host->target.count; i++)
		if (sbp2x_session_is_busy(&host->target.logical_units[i]->session))
			return true;
	return false;
}

/* Caches are flushed through the login, so the login has to be kept alive */
static void host_wait_removed(struct sbp2x_host *host)
{
	unsigned int trying = 0;
	bool gone = !sbp2x_target_watch(&host->target);

	if (gone)
		sbp2x_target_gone(&host->target);

	queue_work(scan_wq, &host->removal);
	while (!wait_for_completion_timeout(&host->removed,
					    msecs_to_jiffies(WATCH_MS))) {
		if (gone)
			continue;
		trying = host_is_trying(host) ? trying + WATCH_MS : 0;
		gone = !sbp2x_target_watch(&host->target) ||
		       trying > REMOVAL_PATIENCE_MS;
		if (gone)
			sbp2x_target_gone(&host->target);
	}
}

void sbp2x_scsi_remove(struct fw_unit *unit)
{
	struct sbp2x_host *host = dev_get_drvdata(&unit->device);

	host_wait_removed(host);
	sbp2x_target_stop(&host->target);
	queue_work(scan_wq, &host->cleanup);
	wait_for_completion(&host->removed);
	sbp2x_debugfs_remove(host->debugfs);
	sbp2x_target_destroy(&host->target);
	kfree(host->scans);
	dev_notice(&unit->device, "released target %d:0:0\n",
		   host->shost->host_no);
	scsi_host_put(host->shost);
}

void sbp2x_scsi_shutdown(struct fw_unit *unit)
{
	struct sbp2x_host *host = dev_get_drvdata(&unit->device);

	sbp2x_target_stop(&host->target);
}

int sbp2x_scsi_init(void)
{
	/*
	 * Not for reclaim: a scan allocates, and nobody below the block layer
	 * waits for it.
	 */
	scan_wq = alloc_workqueue("sbp2x_scan", WQ_UNBOUND, 0);

	return scan_wq ? 0 : -ENOMEM;
}

void sbp2x_scsi_exit(void)
{
	destroy_workqueue(scan_wq);
}
