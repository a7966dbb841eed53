"""Names of parameters and values in other libraries, and their names here.

Users of LightGBM, XGBoost, CatBoost, Keras, PyTorch and scikit-learn write names from habit. Errors
look them up here to say which name is meant; docs/coming_from.md lists parameters side by side.
"""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from numbers import Real
from typing import Any


def _normal(value: Any) -> str:
    """A name as the tables have it; types by their own, torch.float32 as float32."""
    text = str(getattr(value, "__name__", value)).removeprefix("torch.").lower()
    return text.replace("-", "_").replace(" ", "_")


def _inverted(names: dict[str, str]) -> dict[str, str]:
    """From each of the others' names to the name here."""
    return {_normal(other): own for own, others in names.items() for other in others.split()}


_SQUARED = "mse l2 rmse mean_squared_error regression regression_l2 reg:squarederror squared_loss"
_LOGARITHMIC = (
    "logloss log_loss binary_logloss multi_logloss mlogloss binary multiclass multiclassova "
    "cross_entropy crossentropy binary_crossentropy categorical_crossentropy binary:logistic "
    "sparse_categorical_crossentropy multi:softmax multi:softprob softmax"
)

# Of a parameter: what to write for a value.
VALUES: dict[str, dict[str, str]] = {
    "loss": _inverted(
        {
            "loss='squared_error'": f"{_SQUARED} root_mean_squared_error squarederror",
            "loss='absolute_error'": "mae l1 mean_absolute_error regression_l1 reg:absoluteerror",
            "loss='huber'": "huber_loss smooth_l1 reg:pseudohubererror pseudohuber",
            "loss='quantile'": "pinball pinball_loss quantile_loss reg:quantileerror multiquantile",
            "loss='poisson'": "count:poisson poisson_loss poisson_nll",
            "loss='gamma'": "reg:gamma gamma_loss gamma_deviance",
            "loss='tweedie'": "reg:tweedie tweedie_loss tweedie_deviance",
            "loss='log_cosh'": "logcosh",
            "loss='expectile'": "expectile_loss",
            "loss='gaussian'": "rmsewithuncertainty normal gaussian_nll",
            "loss='ordinal'": "logisticat orderedmodel cumulative_link coral corn",
            "Classifier, which has the loss 'focal'": "focal_loss binary_focal_crossentropy",
            "Classifier, whose default is the log loss": _LOGARITHMIC,
        }
    ),
    "eval_metric": _inverted(
        {
            "eval_metric='neg_root_mean_squared_error'": "rmse",
            "eval_metric='neg_mean_squared_error'": "mse l2 squared_error",
            "eval_metric='neg_mean_absolute_error'": "mae l1 absolute_error",
            "eval_metric='neg_mean_absolute_percentage_error'": "mape",
            "eval_metric='neg_median_absolute_error'": "medae medianabsoluteerror",
            "eval_metric='neg_mean_squared_log_error'": "msle",
            "eval_metric='neg_root_mean_squared_log_error'": "rmsle",
            "eval_metric='neg_mean_poisson_deviance'": "poisson poisson_nloglik",
            "eval_metric='r2'": "r2_score",
            "eval_metric='neg_log_loss'": _LOGARITHMIC,
            "eval_metric='neg_brier_score'": "brier brier_score brier_score_loss brierscore",
            "eval_metric='accuracy'": "acc error merror binary_error multi_error accuracy_score",
            "eval_metric='balanced_accuracy'": "balanced_acc balancedaccuracy",
            "eval_metric='roc_auc' (of several classes 'roc_auc_ovr')": "auc roc rocauc auc_mu",
            "eval_metric='average_precision'": "aucpr prauc pr_auc ap map",
            "eval_metric='f1' (of several classes 'f1_macro')": "f1_score fscore f_score",
            "eval_metric='matthews_corrcoef'": "mcc",
        }
    ),
    "activation": _inverted(
        {
            "activation='silu'": "swish",
            "activation='logistic'": "sigmoid expit",
            "activation='identity'": "linear none",
            "activation='leaky_relu'": "leakyrelu lrelu prelu",
            "activation='softplus'": "softrelu",
        }
    ),
    "solver": _inverted(
        {
            "solver='adam' (AdamW, with weight_decay)": "adamw",
            "solver='adam'": "adamax nadam amsgrad radam",
            "solver='sgd'": "momentum nag nesterov",
            "the solver='lbfgs' of fastmlp.neural_network": "lbfgs l-bfgs",
        }
    ),
    "learning_rate": _inverted(
        {
            "learning_rate='cosine'": "cos cosine_annealing cosine_decay cosineannealinglr",
            "learning_rate='one_cycle'": "onecycle 1cycle onecyclelr",
            "learning_rate='adaptive'": "plateau reduce_on_plateau reducelronplateau",
            "learning_rate='invscaling'": "inverse inverse_sqrt inverse_time_decay optimal",
            "learning_rate='constant'": "none fixed",
        }
    ),
    "preset": _inverted(
        {
            "preset='default'": "auto medium medium_quality balanced none",
            "preset='fast'": "quick light",
            "preset='best'": "best_quality high_quality accurate high",
            "preset='plain'": "simple mlp sklearn",
        }
    ),
    "standardize": _inverted({"standardize=True": "standard zscore z-score mean_std"}),
    "numeric_embedding": _inverted(
        {
            "numeric_embedding='periodic'": "plr pbld",
            "numeric_embedding='piecewise_linear'": "ple piecewise",
        }
    ),
    "categorical_features": _inverted({"categorical_features='from_dtype'": "auto infer none"}),
    "class_weight": _inverted({"class_weight='balanced'": "auto balance"}),
    "dtype": _inverted(
        {"dtype='float32'": "float32 single f4", "dtype='float64'": "float64 double f8"}
    ),
    "early_stopping": _inverted({"early_stopping=False": "0 0.0 none"}),
    "n_iter_no_change": _inverted({"n_iter_no_change=float('inf')": "none 0"}),
    "validation_fraction": _inverted({"early_stopping=False": "0 0.0 none"}),
    "time_limit": _inverted({"time_limit=None": "0 0.0 inf"}),
    "max_grad_norm": _inverted({"max_grad_norm=None": "0 0.0 inf"}),
    "verbose": _inverted({"verbose=0": "-1 none", "verbose=1": "auto"}),
}

# A positive number, given as one of these parameters, is meant for another.
NUMBERS = {"learning_rate": "learning_rate_init", "early_stopping": "n_iter_no_change"}

# What to write for a parameter of an estimator or an argument of `fit`.
KEYWORDS = _inverted(
    {
        "activation": "activation_function hidden_activation act nonlinearity",
        "alpha": "reg_lambda lambda_l2 l2_leaf_reg reg_l2 l2 l2_regularization lambda_",
        "alpha and l1_ratio=1": "reg_alpha lambda_l1 reg_l1 l1",
        "batch_size": "batch minibatch_size mini_batch_size bs",
        "beta_1 and beta_2": "betas",
        "categorical_features": "cat_features categorical_feature cat_cols enable_categorical",
        "checkpoint": "snapshot_file save_snapshot resume_from_checkpoint ckpt_path",
        "class_weight": "class_weights auto_class_weights is_unbalance scale_pos_weight",
        "compute_importances": "importance_type importances calc_feature_importance",
        "cost_matrix": "costs loss_matrix misclassification_costs",
        "delta": "huber_delta huber_slope",
        "dropout": "dropout_rate drop_rate p_dropout",
        "dtype": "precision",
        "early_stopping": "early_stop use_best_model",
        "epsilon": "eps",
        "expectile": "expectile_alpha",
        "eval_metric": "metric metrics eval_metrics scoring custom_metric feval monitor",
        "focal_gamma": "focal_loss_gamma gamma_focal",
        "hidden_layer_sizes": (
            "hidden_layers hidden_units hidden_sizes hidden_size hidden_dim hidden_dims layers "
            "layer_sizes units neurons n_hidden"
        ),
        "input_noise": "noise_std gaussian_noise noise_stddev",
        "label_smoothing": "label_smooth",
        "learning_rate": "schedule lr_schedule lr_scheduler scheduler",
        "learning_rate_init": "lr eta base_lr max_lr step_size",
        "eval_set": "valid_sets evals eval_names eval_sample_weight sample_weight_eval_set",
        "init_model": "xgb_model",
        "interaction_cst": "interaction_constraints",
        "loss": "objective loss_function criterion",
        "max_grad_norm": "clipnorm grad_clip gradient_clip gradient_clip_val clip_grad_norm",
        "max_iter": (
            "epochs n_epochs nb_epoch num_epochs max_epochs iterations n_iterations "
            "num_iterations num_boost_round num_round num_rounds n_iter max_iterations"
        ),
        "mixup": "mixup_alpha alpha_mixup use_mixup",
        "monotonic_cst": "monotone_constraints monotonicity monotonic_constraints",
        "n_estimators": "n_models num_models ensemble_size n_networks n_ensembles num_trees",
        "n_iter_no_change": "early_stopping_rounds early_stopping_round patience od_wait",
        "n_jobs": "num_threads nthread nthreads thread_count n_threads workers",
        "nesterovs_momentum": "nesterov",
        "quantile": "quantiles quantile_alpha",
        "random_state": "seed random_seed",
        "sample_weight": "weight weights sample_weights",
        "sample_weight_val": "val_sample_weight",
        "solver": "optimizer optimiser algorithm",
        "swap_noise": "swap_probability swap_prob corruption_rate",
        "standardize": "normalize normalise scale standardise scaler",
        "tweedie_power": "tweedie_variance_power variance_power power",
        "time_limit": "timeout time_budget max_time time_limit_s",
        "validation_fraction": "validation_split val_size test_size eval_fraction val_fraction",
        "verbose": "verbose_eval silent verbosity logging_level log_level metric_period",
        "weight_decay": "wd decay",
        "X_val and y_val": "validation_data x_valid y_valid",
    }
)

_OF_TREES = (
    "num_leaves max_depth max_leaves max_leaf_nodes depth min_child_samples min_child_weight "
    "min_data_in_leaf min_samples_leaf min_split_gain min_split_loss gamma subsample rsm max_bin "
    "bagging_fraction bagging_freq colsample_bytree colsample_bylevel feature_fraction booster "
    "border_count tree_method grow_policy boosting boosting_type max_delta_step"
)

# What to say of parameters that nothing here is called like.
SENTENCES = {
    "checkpoint": "Only fits in one process keep checkpoints: fastmlp.Regressor and Classifier.",
    "class_weight": "Classifier has it; a Regressor takes sample_weight in fit.",
    **_inverted({"It computes on processors; there is no GPU support.": "device task_type gpu_id"}),
    **_inverted({"That is a setting of trees; networks have hidden_layer_sizes.": _OF_TREES}),
}

# What to write for an attribute or a method of a fitted estimator.
ATTRIBUTES = _inverted(
    {
        "attributions": "shap_values shap_interaction_values predict_contrib explain",
        "best_iteration_": "best_iteration best_epoch best_epoch_ n_iterations_ best_ntree_limit",
        "best_loss_": "best_score_ best_score best_validation_score_",
        "coefs_": "coef_",
        "feature_importances_ (with compute_importances=True)": (
            "feature_importance feature_importance_ get_feature_importance importances_"
        ),
        "feature_names_in_": "feature_name_ feature_names_ feature_names",
        "evals_result_": "evals_result get_evals_result",
        "histories_": "history history_ logs_",
        "importances": "permutation_importance permutation_importances",
        "intercepts_": "intercept_",
        "loss_curve_": "losses_ train_score_ loss_history_",
        "n_features_in_": "n_features_ n_features",
        "n_iter_": "n_estimators_ tree_count_ n_epochs_",
        "networks_": "booster_ booster get_booster estimators_ model_ model layers",
        "oof_prediction_": "oob_prediction_",
        "partial_dependence": "plot_partial_dependence calc_feature_statistics",
        "predict_proba": "decision_function predict_logits",
        "score": "evaluate",
        "validation_curve_": "validation_score_ validation_scores_ val_loss_ val_curve_",
        "save and fastmlp.load": "save_model load_model load dump",
    }
)
# What only one of the estimators has.
ONLY = {
    **dict.fromkeys(("classes_", "predict_proba", "predict_log_proba", "oof_proba_"), "Classifier"),
    "oof_prediction_": "Regressor",
}


def advice_on_value(parameter: str, value: Any, choices: Collection[str] = ()) -> str:
    """Say what may be meant by a value that a parameter does not take; empty if nobody knows.

    Parameters
    ----------
    parameter : str
    value : object
    choices : collection of str, default=()
        Names that the parameter takes; misspelt ones are recognised.
    """
    name = _normal(value)
    if name in VALUES.get(parameter, ()):
        return f" Did you mean {VALUES[parameter][name]}?"
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if parameter in NUMBERS and is_number and value > 0:
        return f" Did you mean {NUMBERS[parameter]}={value!r}?"
    close = get_close_matches(name, choices, 1, 0.75) if isinstance(value, str) else []
    return f" Did you mean {parameter}={close[0]!r}?" if close else ""


def advice_on_keyword(
    keyword: str, choices: Collection[str], others: Collection[str] = (), where: str = ""
) -> str:
    """Say what may be meant by a keyword that a function does not take; empty if nobody knows.

    Parameters
    ----------
    keyword : str
    choices : collection of str
        Keywords that the function takes.
    others, where : collection of str and str, default=() and ""
        Keywords of another function, and which one that is.
    """
    name = _normal(keyword)
    meant = KEYWORDS.get(name, keyword)
    first = meant.split()[0]
    if first in choices:
        return f" Did you mean {meant}?"
    if first in others:
        return f" Did you mean {meant} {where}?"
    if name in SENTENCES or first in SENTENCES:
        return f" {SENTENCES.get(name) or SENTENCES[first]}"
    close = get_close_matches(name, choices, 1, 0.8)
    return f" Did you mean {close[0]}?" if close else ""


def advice_on_attribute(name: str) -> str:
    """Say what an attribute or a method of another library's estimators is called here."""
    meant = ATTRIBUTES.get(_normal(name), name)
    if meant in ONLY:
        return f" {ONLY[meant]} has {meant}."
    return f" Did you mean {meant}?" if meant != name else ""
