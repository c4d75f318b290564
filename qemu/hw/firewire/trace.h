#include "trace/trace-hw_firewire.h"
