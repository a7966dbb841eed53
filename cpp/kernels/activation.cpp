#include "kernels/activation.h"

#include <algorithm>
#include <concepts>
#include <numbers>

#include "kernels/vector_math.h"

namespace fastmlp {
namespace {

using namespace simd;

// Each struct: value(z), and either backward(delta, a) = delta * f'(z) from a = f(z) alone, or the derivative together
// with the value.

struct Relu {
  template <class T>
  static Packet<T> value(const Packet<T>& z) {
    return pmax(z, set<T>(0));
  }
  template <class T>
  static Packet<T> backward(const Packet<T>& delta, const Packet<T>& a) {
    return where_positive<T>(a, delta);
  }
};

/** Slope 0.01 below zero, as in PyTorch and Keras. */
struct LeakyRelu {
  static constexpr double slope = 0.01;
  template <class T>
  static Packet<T> value(const Packet<T>& z) {
    return pmax(z, pmul(z, set<T>(T(slope))));
  }
  template <class T>
  static Packet<T> backward(const Packet<T>& delta, const Packet<T>& a) {
    return where_positive<T>(a, delta, pmul(delta, set<T>(T(slope))));
  }
};

/** scale * (z, or alpha (exp(z) - 1) below zero). */
template <class Constants>
struct ScaledElu {
  template <class T>
  static Packet<T> value(const Packet<T>& z) {
    const Packet<T> below = pmul(set<T>(T(Constants::scale * Constants::alpha)), expm1<T>(pmin(z, set<T>(0))));
    return pmadd(set<T>(T(Constants::scale)), pmax(z, set<T>(0)), below);
  }
  template <class T>
  static Packet<T> backward(const Packet<T>& delta, const Packet<T>& a) {
    // below zero: scale alpha exp(z) = a + scale alpha
    const Packet<T> below = padd(a, set<T>(T(Constants::scale * Constants::alpha)));
    return pmul(delta, where_positive<T>(a, set<T>(T(Constants::scale)), below));
  }
};
struct EluConstants {
  static constexpr double scale = 1, alpha = 1;
};
/** Klambauer et al. 2017, arXiv:1706.02515. */
struct SeluConstants {
  static constexpr double scale = 1.0507009873554804934, alpha = 1.6732632423543772848;
};

/** z Phi(z), exact (Hendrycks & Gimpel 2016, arXiv:1606.08415). */
struct Gelu {
  template <class T>
  static Packet<T> value(const Packet<T>& z, Packet<T>* derivative) {
    const Packet<T> half = set<T>(T(0.5));
    const Packet<T> phi = pmadd(half, erf<T>(pmul(z, set<T>(T(1 / std::numbers::sqrt2)))), half);
    if (derivative) {
      const Packet<T> density = pmul(set<T>(T(0.5 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi)),
                                     pexp(pmul(pmul(z, z), set<T>(T(-0.5)))));
      *derivative = pmadd(z, density, phi);
    }
    return pmul(z, phi);
  }
};

/** z logistic(z), also called swish. */
struct Silu {
  template <class T>
  static Packet<T> value(const Packet<T>& z, Packet<T>* derivative) {
    const Packet<T> s = logistic<T>(z);
    const Packet<T> a = pmul(z, s);
    // s + z s (1 - s)
    if (derivative) *derivative = pmadd(a, psub(set<T>(1), s), s);
    return a;
  }
};

/** z tanh(softplus(z)) (Misra 2019, arXiv:1908.08681), by n = e^z (e^z + 2): tanh(softplus(z)) = n / (n + 2). */
struct Mish {
  template <class T>
  static Packet<T> value(const Packet<T>& z, Packet<T>* derivative) {
    const Packet<T> one = set<T>(1), two = set<T>(2);
    // From 20 on tanh(softplus(z)) is 1 to the last bit, and e^2z has not overflowed.
    const Packet<T> e = pexp(pmin(z, set<T>(20)));
    const Packet<T> n = pmul(e, padd(e, two));
    const Packet<T> r = pdiv(one, padd(n, two));
    const Packet<T> t = pmul(n, r);
    // 1 - t^2 = 4 (n + 1) / (n + 2)^2 and n + 1 = (e + 1)^2; times the logistic e / (e + 1)
    if (derivative) *derivative = pmadd(pmul(pmul(z, e), padd(e, one)), pmul(set<T>(4), pmul(r, r)), t);
    return pmul(z, t);
  }
};

struct Tanh {
  template <class T>
  static Packet<T> value(const Packet<T>& z) {
    return simd::tanh<T>(z);
  }
  template <class T>
  static Packet<T> backward(const Packet<T>& delta, const Packet<T>& a) {
    return pmul(delta, psub(set<T>(1), pmul(a, a)));
  }
};

struct Logistic {
  template <class T>
  static Packet<T> value(const Packet<T>& z) {
    return logistic<T>(z);
  }
  template <class T>
  static Packet<T> backward(const Packet<T>& delta, const Packet<T>& a) {
    return pmul(delta, pmul(a, psub(set<T>(1), a)));
  }
};

struct Softplus {
  template <class T>
  static Packet<T> value(const Packet<T>& z) {
    return softplus<T>(z);
  }
  /** logistic(z) = 1 - exp(-softplus(z)) */
  template <class T>
  static Packet<T> backward(const Packet<T>& delta, const Packet<T>& a) {
    return pmul(psub(set<T>(0), delta), expm1<T>(psub(set<T>(0), a)));
  }
};

template <class F>
concept SavesDerivative = !requires(Packet<float> a) { F::template backward<float>(a, a); };

/** z * f'(z) is f(z). */
template <class F>
concept Rectifier = std::same_as<F, Relu> || std::same_as<F, LeakyRelu>;

/** Calls f with the struct of the activation; identity is left to the caller. */
template <class Visit>
void visit(Activation activation, Visit&& f) {
  switch (activation) {
    case Activation::identity: return;
    case Activation::relu: return f(Relu{});
    case Activation::leaky_relu: return f(LeakyRelu{});
    case Activation::elu: return f(ScaledElu<EluConstants>{});
    case Activation::selu: return f(ScaledElu<SeluConstants>{});
    case Activation::gelu: return f(Gelu{});
    case Activation::silu: return f(Silu{});
    case Activation::mish: return f(Mish{});
    case Activation::tanh: return f(Tanh{});
    case Activation::logistic: return f(Logistic{});
    case Activation::softplus: return f(Softplus{});
  }
}

}  // namespace

bool saves_derivative(Activation activation) {
  bool saves = false;
  visit(activation, [&]<class F>(F) { saves = SavesDerivative<F>; });
  return saves;
}

template <class T>
void activate(Activation activation, Matrix<T> a, Matrix<T> derivative) {
  const Index width = padded<T>(a.cols);
  const bool moves_zero = activation == Activation::logistic || activation == Activation::softplus;
  visit(activation, [&]<class F>(F) {
    for (Index i = 0; i < a.rows; ++i) {
      T* row = a.row(i);
      if constexpr (SavesDerivative<F>) {
        T* saved = derivative.data ? derivative.row(i) : nullptr;
        for (Index j = 0; j < width; j += kWidth<T>) {
          Packet<T> slope;
          store(row + j, F::template value<T>(load(row + j), saved ? &slope : nullptr));
          if (saved) store(saved + j, slope);
        }
      } else {
        for (Index j = 0; j < width; j += kWidth<T>) store(row + j, F::template value<T>(load(row + j)));
      }
      if (moves_zero) std::fill(row + a.cols, row + width, T(0));
    }
  });
}

template <class T>
void multiply_derivative(Activation activation, Matrix<T> delta, Matrix<const T> a, Matrix<const T> derivative) {
  const Index width = padded<T>(delta.cols);
  visit(activation, [&]<class F>(F) {
    for (Index i = 0; i < delta.rows; ++i) {
      T* row = delta.row(i);
      const T* from = SavesDerivative<F> ? derivative.row(i) : a.row(i);
      for (Index j = 0; j < width; j += kWidth<T>) {
        if constexpr (SavesDerivative<F>)
          store(row + j, pmul(load(row + j), load(from + j)));
        else
          store(row + j, F::template backward<T>(load(row + j), load(from + j)));
      }
    }
  });
}

template <class T>
void activate_parametric(Activation activation, const T* slopes, Matrix<T> a, Matrix<T> saved, bool keeps_order) {
  const Index width = padded<T>(a.cols);
  const Packet<T> one = set<T>(1);
  visit(activation, [&]<class F>(F) {
    const bool by_product = Rectifier<F> && keeps_order;
    for (Index i = 0; i < a.rows; ++i) {
      T* row = a.row(i);
      T* kept = saved.data ? saved.row(i) : nullptr;
      for (Index j = 0; j < width; j += kWidth<T>) {
        const Packet<T> z = load(row + j), slope = load(slopes + j);
        Packet<T> value, derivative = one;
        if constexpr (SavesDerivative<F>) {
          value = F::template value<T>(z, kept ? &derivative : nullptr);
        } else {
          value = F::template value<T>(z);
          if (kept || by_product) derivative = F::template backward<T>(one, value);
        }
        const Packet<T> bend = psub(value, z);
        const auto whole_derivative = [&] { return pmadd(slope, psub(derivative, one), one); };
        store(row + j, by_product ? pmul(z, whole_derivative()) : pmadd(slope, bend, z));
        if (!kept) continue;
        store(kept + j, whole_derivative());
        store(kept + width + j, bend);
      }
    }
  });
}

template <class T>
void multiply_parametric(Matrix<T> delta, Matrix<T> saved) {
  const Index width = padded<T>(delta.cols);
  for (Index i = 0; i < delta.rows; ++i) {
    T* row = delta.row(i);
    T* kept = saved.row(i);
    for (Index j = 0; j < width; j += kWidth<T>) {
      const Packet<T> d = load(row + j);
      store(row + j, pmul(d, load(kept + j)));
      store(kept + width + j, pmul(d, load(kept + width + j)));
    }
  }
}

#define FASTMLP_INSTANTIATE(T)                                                                \
  template void activate(Activation, Matrix<T>, Matrix<T>);                                   \
  template void multiply_derivative(Activation, Matrix<T>, Matrix<const T>, Matrix<const T>); \
  template void activate_parametric(Activation, const T*, Matrix<T>, Matrix<T>, bool);        \
  template void multiply_parametric(Matrix<T>, Matrix<T>);
FASTMLP_INSTANTIATE(float)
FASTMLP_INSTANTIATE(double)
#undef FASTMLP_INSTANTIATE

}  // namespace fastmlp
