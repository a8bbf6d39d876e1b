/* fpcore.h: all of the public headers. A plugin needs the header of its kind alone, which includes what it builds on.
 */
#ifndef FPCORE_FPCORE_H
#define FPCORE_FPCORE_H

#include <fpcore/augment.h>
#include <fpcore/backend.h>
#include <fpcore/base.h>
#include <fpcore/dataset.h>
#include <fpcore/draw.h>
#include <fpcore/experiment.h>
#include <fpcore/graph.h>
#include <fpcore/half.h>
#include <fpcore/image.h>
#include <fpcore/ini.h>
#include <fpcore/logger.h>
#include <fpcore/loss.h>
#include <fpcore/metric.h>
#include <fpcore/model.h>
#include <fpcore/op.h>
#include <fpcore/ops.h>
#include <fpcore/optimizer.h>
#include <fpcore/option.h>
#include <fpcore/plugin.h>
#include <fpcore/rng.h>
#include <fpcore/schedule.h>
#include <fpcore/tensor.h>

#endif
