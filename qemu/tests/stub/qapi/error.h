/* SPDX-License-Identifier: GPL-2.0-or-later */

#ifndef STUB_ERROR_H
#define STUB_ERROR_H

extern unsigned stub_errors;

#define error_propagate(errp, err) ((void)(errp), (void)(err))
#define error_setg(errp, ...) ((void)(errp), (void)stub_errors++)

#define error_setg_file_open(errp, number, name) error_setg(errp, name)

#endif
