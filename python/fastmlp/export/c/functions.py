"""C functions that exported files choose from.

``real`` is the networks' type, float or double. In the text, ``{f}`` is the suffix of its constants
and functions, f or nothing; ``{weight}`` is the type of stored weights; ``{load}`` and ``{loaded}``
stand around one that is read.
"""

from __future__ import annotations

HALF = """\
/* The number of half precision with these bits. */
static real half(uint16_t bits) {
  union {
    uint32_t bits;
    float value;
  } number;
  number.bits = (uint32_t)(bits & 0x7fff) << 13;
  number.value *= 0x1p+112f; /* the exponents of float begin 112 lower */
  return bits & 0x8000 ? -number.value : number.value;
}
"""
CODE = """\
/* The code in a cell: `missing` where that is NaN, and 0, unknown, where it holds no code. */
static int code_of(double cell, int size, int missing) {
  if (cell != cell) return missing;
  return cell >= 0 && cell <= size && cell == floor(cell) ? (int)cell : 0;
}
"""
LABEL = """\
/* The label, -1 or 1, in a cell: `missing` where that is NaN, and 0, unknown, elsewhere. */
static real label_of(double cell, int missing) {
  if (cell != cell) return missing;
  return cell == -1 || cell == 1 ? (real)cell : 0;
}
"""
DAY = """\
/* The part of the day that has passed, from days since 1970. */
static double part_of_day(double days) { return days - floor(days); }
"""
WEEK = """\
/* The part of the week that has passed since Monday; day 4 of 1970 was one. */
static double part_of_week(double days) {
  return (days - 4 - 7 * floor((days - 4) / 7)) / 7;
}
"""
YEAR = """\
/* The part of the year that has passed, by the cycles of the calendar. */
static double part_of_year(double days) {
  const double date = floor(days);
  double rest = date + 719162; /* days since 1 January of the year 1 */
  rest -= 146097 * floor(rest / 146097);
  const double centuries = fmin(floor(rest / 36524), 3);
  rest -= 36524 * centuries;
  const double cycles = floor(rest / 1461);
  rest -= 1461 * cycles;
  const double years = fmin(floor(rest / 365), 3);
  rest -= 365 * years;
  const int is_leap = years == 3 && (cycles < 24 || centuries == 3);
  return (rest + days - date) / (is_leap ? 366 : 365);
}
"""
WITHIN = """\
/* x in its limits; NaN stays NaN. */
static double within(double x, double low, double high) {
  return x < low ? low : x > high ? high : x;
}
"""
ADD_LINEAR = """\
/* Adds a linear model of n numbers to its values, one for each of n_outputs. */
static void add_linear(const double *numbers, int n, int n_outputs, double *values) {
  for (int j = 0; j < n; ++j) {
    const double z = (numbers[j] - linear_shift[j]) * linear_scale[j];
    if (z != z) continue; /* a missing number counts as the median */
    const double limited = within(z, linear_low[j], linear_high[j]);
    for (int k = 0; k < n_outputs; ++k) values[k] += limited * linear_coef[j * n_outputs + k];
  }
}
"""
CLIP = """\
/* Compresses outliers: x / sqrt(1 + (x / 3)^2). */
static real clip(real x) {
  const real limited = x > 1e9{f} ? 1e9{f} : x < -1e9{f} ? -1e9{f} : x;
  const real third = limited * (1 / 3.0{f});
  return limited / sqrt{f}(third * third + 1);
}
"""
PERIODIC = """\
/* Three learnt sums of 16 cosines of each of n numbers. A column of w holds the frequencies of a
   number and the weights of the cosines in each sum, one of b the phases and what is added. */
static void periodic(const real *x, int n, const real *w, const real *b, real *out) {
  for (int j = 0; j < n; ++j) {
    real sums[3];
    for (int k = 0; k < 3; ++k) sums[k] = b[(16 + k) * n + j];
    for (int f = 0; f < 16; ++f) {
      real turns = x[j] * w[f * n + j] + b[f * n + j] * 0.159154943091895336{f};
      turns = turns > 0x1p20{f} ? 0x1p20{f} : turns < -0x1p20{f} ? -0x1p20{f} : turns;
      const real cosine = cos{f}(6.28318530717958648{f} * (turns - rint{f}(turns)));
      for (int k = 0; k < 3; ++k) sums[k] += w[((1 + k) * 16 + f) * n + j] * cosine;
    }
    for (int k = 0; k < 3; ++k) out[k * n + j] = sums[k];
  }
}
"""
PIECEWISE = """\
/* Four learnt sums of the steps of each of n numbers: where a number is in each of its bins, from 0
   to 1. A column of w holds the weights of the steps in each sum; start and slope are by number. */
static void piecewise(const real *x, int n, int steps, const real *start, const real *slope,
                      const real *w, real *out) {
  for (int i = 0; i < 4 * n; ++i) out[i] = 0;
  for (int j = 0; j < n; ++j)
    for (int s = 0; s < steps; ++s) {
      real step = (x[j] - start[j * steps + s]) * slope[j * steps + s];
      step = step > 1 ? 1 : step > 0 ? step : 0;
      for (int k = 0; k < 4; ++k) out[k * n + j] += w[(k * steps + s) * n + j] * step;
    }
}
"""
COPY = """\
static void copy(const real *from, int n, real *to) {
  for (int i = 0; i < n; ++i) to[i] = from[i];
}
"""
ONE_HOT = """\
/* 1 at the place of a code from 1 to n, and 0 elsewhere; code 0 has no place. */
static void one_hot(int code, int n, real *out) {
  for (int i = 0; i < n; ++i) out[i] = i + 1 == code;
}
"""
VECTOR = """\
/* The learnt vector of a code: a row of the table. */
static void vector(int code, int width, const {weight} *table, real *out) {
  for (int i = 0; i < width; ++i) out[i] = {load}table[code * width + i]{loaded};
}
"""
MULTIPLY = """\
static void multiply(const real *factors, int n, real *x) {
  for (int i = 0; i < n; ++i) x[i] *= factors[i];
}
"""
DENSE = """\
/* z = x w + b, where w has a row for each of n inputs and a column for each of m outputs. */
static void dense(const real *x, int n, const {weight} *w, const real *b, int m, real *z) {
  for (int j = 0; j < m; ++j) z[j] = b[j];
  for (int i = 0; i < n; ++i) {
    if (x[i] == 0) continue;
    for (int j = 0; j < m; ++j) z[j] += x[i] * {load}w[i * m + j]{loaded};
  }
}
"""
# Bodies of functions of z.
ACTIVATIONS = {
    "relu": "return z > 0 ? z : 0;",
    "leaky_relu": "return z > 0 ? z : 0.01{f} * z;",
    "elu": "return z > 0 ? z : expm1{f}(z);",
    "selu": "return 1.05070098735548049{f} * (z > 0 ? z : 1.67326324235437728{f} * expm1{f}(z));",
    "gelu": "return z * (0.5{f} * erf{f}(z * 0.707106781186547524{f}) + 0.5{f});",
    "silu": "return z / (1 + exp{f}(-z));",
    "mish": "const real e = exp{f}(z < 20 ? z : 20), n = e * (e + 2); return z * (n / (n + 2));",
    "tanh": "return tanh{f}(z);",
    "logistic": "return 1 / (1 + exp{f}(-z));",
    "softplus": "return (z > 0 ? z : 0) + log1p{f}(exp{f}(-fabs{f}(z)));",
}
ACTIVATION = """\
static real {name}_of(real z) { {body} }
"""
ACTIVATE = """\
static void activate_{name}(int n, real *z) {
  for (int i = 0; i < n; ++i) z[i] = {name}_of(z[i]);
}
"""
BEND = """\
/* The activation with a learnt slope for each unit: z + slope * (f(z) - z). */
static void bend_{name}(const real *slopes, int n, real *z) {
  for (int i = 0; i < n; ++i) z[i] += slopes[i] * ({name}_of(z[i]) - z[i]);
}
"""
LINKS = {
    "exponential": """\
/* The inverse link: outputs are logarithms. */
static void inverse_link(real *outputs, int n) {
  for (int k = 0; k < n; ++k) outputs[k] = exp{f}(outputs[k]);
}
""",
    "logistic": """\
/* The inverse link: outputs are log-odds. */
static void inverse_link(real *outputs, int n) {
  for (int k = 0; k < n; ++k) outputs[k] = 1 / (1 + exp{f}(-outputs[k]));
}
""",
    "continuation_ratio": """\
/* The inverse link: from the logits of n steps between classes in order to n + 1 probabilities. */
static void inverse_link(real *outputs, int n) {
  real reached = 1;
  for (int k = 0; k < n; ++k) {
    const real small = exp{f}(-fabs{f}(outputs[k])), large = 1 / (1 + small);
    const int goes_on = outputs[k] >= 0;
    outputs[k] = reached * (goes_on ? small * large : large);
    reached *= goes_on ? large : small * large;
  }
  outputs[n] = reached;
}
""",
    "softmax": """\
/* The inverse link: from logits to probabilities. */
static void inverse_link(real *outputs, int n) {
  real most = outputs[0], total = 0;
  for (int k = 1; k < n; ++k) most = outputs[k] > most ? outputs[k] : most;
  for (int k = 0; k < n; ++k) total += outputs[k] = exp{f}(outputs[k] - most);
  for (int k = 0; k < n; ++k) outputs[k] /= total;
}
""",
}
ADD = """\
static void add(const real *x, int n, real factor, real *to) {
  for (int k = 0; k < n; ++k) to[k] += factor * x[k];
}
"""
ADD_GAUSSIANS = """\
/* Adds means and mean squares of n Gaussians, of which z has the means and then the spreads. */
static void add_gaussians(const real *z, int n, double share, double *to) {
  for (int k = 0; k < n; ++k) {
    const double m = z[k], s = z[n + k];
    const double deviation = (s > 0 ? s : 0) + log1p(exp(-fabs(s))) + 1e-3;
    to[k] += share * m;
    to[n + k] += share * (m * m + deviation * deviation);
  }
}
"""
SORT = """\
static void sort(double *values, int n) {
  for (int i = 1; i < n; ++i)
    for (int k = i; k > 0 && values[k] < values[k - 1]; --k) {
      const double value = values[k];
      values[k] = values[k - 1];
      values[k - 1] = value;
    }
}
"""
CALIBRATE_CLASSES = """\
/* Divides the logits of the classes' probabilities by a temperature. `least` stands for 0. */
static void calibrate(double *p, int n, double temperature, double least) {
  double most = -INFINITY, total = 0;
  for (int k = 0; k < n; ++k) {
    p[k] = log(p[k] > least ? p[k] : least) / temperature;
    most = p[k] > most ? p[k] : most;
  }
  for (int k = 0; k < n; ++k) total += p[k] = exp(p[k] - most);
  for (int k = 0; k < n; ++k) p[k] /= total;
}
"""
CALIBRATE_LABELS = """\
/* Divides the log-odds of labels by temperatures. `least` and `most` stand for 0 and 1. */
static void calibrate(double *p, int n, const double *temperature, double least, double most) {
  for (int k = 0; k < n; ++k) {
    const double inside = p[k] > most ? most : p[k] > least ? p[k] : least;
    const double logit = (log(inside) - log1p(-inside)) / temperature[k];
    p[k] = 1 / (1 + exp(-logit));
  }
}
"""
