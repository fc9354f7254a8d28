"""What functions of the theory take where their arguments are not of the common kind."""

import numpy as np

from sslboost.bounds import past_threshold_simulation
from sslboost.population import isotropic_population
from tests.evidence import pictures as p
from tests.evidence import values as v
from tests.evidence.kinds import (
    array,
    choice,
    choices,
    count,
    counts,
    flag,
    function,
    number,
    numbers,
    rows,
    thing,
)
from tests.evidence.registry import (
    BOTH,
    ROWS,
    block,
    count_or_infinite,
    covariance,
    positive,
    square,
    strength,
)

_points = {
    "X": array(lambda: v.normal(5, 3), tied=ROWS),
    "Y": array(lambda: v.normal(5, 2), tied=ROWS),
}
_inputs = array(lambda: v.normal(4, 8), tied=(1,)).but("axis 0 empty")
_of_mixture = {"A": array(lambda: v.normal(2, 3), tied=(1,)).but("axis 0 empty")}
_blocks = {name: block for name in ("a", "b", "given", "target")}
_whitened = {
    "X": array(lambda: v.normal(1, 20, 8), tied=(0, 1, 2)),
    "Y": array(lambda: v.normal(1, 20, 2), tied=BOTH),
    "K_z": array(lambda: v.population().K_z, tied=ROWS).but("an axis more", "axis 1 empty"),
    "lam": numbers(0.1, negative=-0.1),
}
_pretext = {"pretext": thing(v.population).named("X_pre", "Z_pre")}
_extra = {
    "X_extra": array(lambda: v.sample("x"), tied=BOTH),
    "Y_extra": array(lambda: v.sample("y"), tied=ROWS),
}
_covs = {"small": covariance, "extra": covariance}
_pre_down = {
    "X_pre": array(lambda: v.sample("x"), tied=BOTH),
    "Z_pre": array(lambda: v.sample("z"), tied=ROWS),
    "X_down": array(lambda: v.sample("x"), tied=BOTH),
    "Y_down": array(lambda: v.sample("y"), tied=ROWS),
}
_trial = {"n1": count(60), "n2": count(80), "n_test": count(20)}
_past = {"m": count(3), "rank_z": count(3)}
_few_labels = {"n2": count(30), "n0": count(8)}
_rows_psi = {
    "F": array(lambda: v.sample("z"), tied=BOTH),
    "Z": array(lambda: v.normal(40, 4), tied=BOTH),
    "Y": array(lambda: v.sample("y"), tied=ROWS),
    "shift": array(lambda: np.eye(4), tied=BOTH),
    "margin": number(1.0, negative=-0.1),
}
_penalties = array(lambda: np.array([0.0, 1.0])).also(negative=np.array([-1.0]))
_weights = array(lambda: np.array([0.5, 1.0]))
_ellipsoid = {
    "tau": array(lambda: np.array([0.1, 0.3])).also(
        negative=np.array([0.1, -0.1]), zero=np.array([0.1, 0.0])
    ),
    "c": number(1.0, negative=-1.0, zero=0),
    "left": positive,
    "n2": count(50),
}
_shares = {
    "k2": number(0.5, negative=-0.1, zero=0, one=1, above_one=1.5),
    "rho": number(0.5, negative=-0.1, one=1, above_one=1.5),
}
_share_of_star = {"lam": number(0.3, negative=-1.0, zero=0)}
_strengths = {name: strength for name in ("y_to_x", "s_to_x", "y_to_z", "s_to_z")}
_links = {name: number(0.0) for name in ("mix", "leak")}
_study = {"networks": count(1), "steps": count(2)}

_advice = {
    "labels": count(30),
    "categorical": choices("y").but("empty"),
    "bootstrap": count(3, least=0),
}


def _places(*values):
    """Places of columns."""
    wrong = {"negative": [-1], "beyond": [10**6], "fraction": [0.5]}
    return array(lambda: np.array(values)).also(**wrong)


#: Kinds of the arguments of one function, by its name within the package.
OWN = {
    "advice.answer.advise": _advice
    | {"Y": array(lambda: v.sample("y"), tied=ROWS).but("with nan", "texts of its shape")},
    "advice.answer.advise_file": _advice
    | {"path": thing(v.rows_file), "x": choices("x*"), "z": choices("z"), "y": choices("y")},
    "population.families.latent_population": {
        **_strengths,
        **_links,
        "d_s": count(2),
        "dims_x": counts(3, 3, 2).but("zero inside"),
        "dims_z": counts(2, 2).but("zero inside"),
    },
    "population.families.isotropic_population": {
        "k2": number(0.5, negative=-0.1, zero=0, above_one=1.5),
        "rho": number(0.5, negative=-0.1, zero=0, above_one=1.5),
        "d": count(4),
        "noise": count(2, least=0),
        "tells": flag(True),
    },
    "population.families.copying_population": {
        "k2": number(0.5, negative=-0.1, zero=0, above_one=1.5),
        "rho": number(0.5, negative=-0.1, zero=0, above_one=1.5),
        "copied": positive,
        "d": count(4, least=2),
        "noise": count(2),
        "tells": number(1.0),
        "apart": flag(True),
    },
    "population.families.lee_mixture": {},
    "population.gaussian.GaussianPopulation": {
        "cov": array(lambda: v.population().cov, tied=BOTH),
    },
    "population.gaussian.GaussianPopulation.block": _blocks,
    "population.gaussian.GaussianPopulation.best_linear": _blocks,
    "population.gaussian.GaussianPopulation.conditional": _blocks,
    "population.gaussian.GaussianPopulation.in_units_of_sd": {
        "K": array(lambda: v.population().K_y, tied=(1,)).but("axis 0 empty"),
        "name": choice("y").also(unknown="w"),
    },
    "population.mixture.MixturePopulation": {
        "weights": array(lambda: np.full(3, 1 / 3), tied=ROWS).also(
            negative=np.array([1.2, -0.1, -0.1]), too_much=np.full(3, 0.5)
        ),
        "mean_x": array(lambda: v.normal(3, 3), tied=BOTH),
        "mean_z": array(lambda: v.normal(3, 2), tied=BOTH),
        "cov": array(lambda: np.array(v.mixture().cov), tied=(0, 1, 2)),
    },
    "population.mixture.MixturePopulation.within": {"label": count(1, least=0)},
    "population.mixture.MixturePopulation.one_hot": {
        "labels": array(v.classes).also(unknown=np.array([3]), fraction=np.array([0.5])),
    },
    "population.mixture.MixturePopulation.posterior": {
        "x": array(lambda: v.normal(4, 3), tied=(1,)).but("axis 0 empty"),
    },
    "representation.pretext.LinearMap": {
        "matrix": array(lambda: v.normal(2, 8), tied=ROWS).but("axis 1 empty"),
        "offset": array(lambda: np.zeros(2), tied=ROWS),
    },
    "representation.pretext.LinearMap.__call__": {"X": _inputs},
    "representation.pretext.LinearMap.after": {"first": thing(lambda: v.linear_map(8, 3))},
    "representation.pretext.W_star": {"psi": thing(v.linear_map)},
    "representation.pretext.fit_ssl": _pre_down,
    "representation.risk.predictor_risk": {"g": thing(v.linear_map)},
    "representation.risk.expected_risk": {"k": count(2, least=0), "n2": count_or_infinite},
    "representation.risk.excess_risk": {"k": count(2, least=0), "n2": count_or_infinite},
    "representation.risk.sample_complexity": {"epsilon": positive},
    "representation.lee_simulation.FourierMap.__call__": {
        "X": array(lambda: v.normal(4, 3), tied=(1,)).but("axis 0 empty")
    },
    "representation.lee_simulation.fit_rbf": {"features": count(5)},
    "representation.lee_simulation.linear_trial": _trial,
    "representation.lee_simulation.rbf_trial": _trial,
    "representation.lee_simulation.repeat": {
        "trial": function(v.trial),
        "trials": count(2, least=2),
    },
    "representation.lee_simulation.linearity": {
        "x": array(lambda: np.arange(5.0), tied=ROWS),
        "y": array(lambda: v.normal(5), tied=ROWS),
    },
    "criteria.gaps.c1_gap_per_class": _of_mixture,
    "criteria.second_moments.wilks_from_moments": {
        "cov": array(lambda: v.population().cov).also(**square),
        "n": count(50),
        "first": _places(0, 1),
        "second": _places(2, 3),
        "given": _places(4, 5).but("axis 0 empty"),
    },
    "criteria.tests.c1_test_permuted": {"permutations": count(19)},
    "criteria.permuted.c1_test_permuted_residuals": {"permutations": count(19)},
    "criteria.permuted.c2_test_permuted_residuals": {"permutations": count(19)},
    "criteria.nonlinear.ci_test_kernel": {"features": count(4)},
    "criteria.columns.holm": {
        "p_values": array(lambda: np.array([0.01, 0.5])).also(
            negative=np.array([-0.1, 0.5]), above_one=np.array([0.1, 1.5])
        ),
    },
    "criteria.gaps.c1_gap_pooled": _of_mixture,
    "processor._problems.reduce_samples": _whitened,
    "processor.empirical.solve_batch": _whitened,
    "processor.empirical.solve": {
        "problems": thing(v.problems),
        "restarts": count(1, least=0),
        "structured": flag(True),
        "tolerance": positive,
        "max_iterations": count(20),
    },
    "processor.empirical.certificate_solution": {
        "Y_extra": array(lambda: v.few("y", 2), tied=ROWS),
        "X_extra": array(lambda: v.few("x", 2), tied=BOTH),
    },
    "processor.empirical.empirical_optimum": _extra | _pretext,
    "processor.empirical.empirical_loss": _extra | _pretext,
    "processor.conditional.estimated_pretext": {
        "law": thing(v.population),
        "X": array(lambda: v.sample("x"), tied=BOTH),
        "Z": array(lambda: v.sample("z"), tied=BOTH),
        "Y": array(lambda: v.sample("y"), tied=ROWS),
        "known": choice("x").also(unknown="w", two="xz y"),
        "share": number(1.0, negative=-0.1, above_one=1.5),
    },
    "processor.members.random_member": {
        "d_z": count(2),
        "rank_x": count(8),
        "existence": flag(True),
        "invariance": flag(True),
    },
    "processor.members.survey": {
        "populations": rows(lambda: [v.population()]),
        "share": number(0.5).but("array of two", "list of one"),
        "minimisers": count(1),
    },
    "processor.optimum.Processor.transform": {"X": _inputs},
    "processor.members.membership": {"lam": number(0.1)},
    "processor.optimum.spectrum": {"most": count(2, limit=False)},
    "processor.pipeline.relu_inputs": {"V": array(lambda: v.normal(5, 8), tied=(1,))},
    "processor.pipeline.sample_pretext": {"n1": count_or_infinite},
    "processor.pipeline.representation": {
        "pretext": thing(v.pretext_moments),
        "A": array(lambda: v.normal(8, 2), tied=ROWS).but("axis 1 empty"),
    },
    "processor.pipeline.downstream_risk": {
        "features": array(lambda: v.normal(8, 2), tied=ROWS).but("axis 1 empty"),
        "n2": count_or_infinite,
    },
    "bounds.capacity.linear_bound": {"d": count(3, limit=False)},
    "bounds.capacity.two_layer_bound": {"k": count(3, limit=False)},
    "bounds.capacity.memorise": _points | {"directions": count(2)},
    "bounds.capacity.memorise_linear": {
        "X": array(lambda: v.normal(3, 5), tied=ROWS),
        "Y": array(lambda: v.normal(3, 2), tied=ROWS),
    },
    "bounds.capacity.ReLUNetwork": {
        "weights": rows(lambda: v.network().weights),
        "biases": rows(lambda: v.network().biases),
        "head": array(lambda: v.network().head, tied=(1,)),
        "tolerance": number(0.0, negative=-1.0),
    },
    "bounds.capacity.ReLUNetwork.__call__": {
        "X": array(lambda: v.normal(4, 3), tied=(1,)).but("axis 0 empty")
    },
    "bounds.general_loss.GeneralLoss": {"g": function(np.square), "norm": function(v.norm)},
    "bounds.general_loss.GeneralLoss.__call__": {
        "residuals": array(lambda: v.normal(5, 2)).but(
            "an axis less", "an axis more", "two axes more", "axis 0 empty", "number"
        )
    },
    "bounds.general_loss.mahalanobis": {"g": function(np.square)},
    "bounds.general_loss.expected_increase": _covs | {"n": count(50, least=2)},
    "bounds.general_loss.margin": {"lam": number(0.1)},
    "bounds.general_loss.extra_loss": {
        "X_extra": array(lambda: v.sample("x"), tied=BOTH),
        "Y_extra": array(lambda: v.sample("y"), tied=ROWS),
    },
    "bounds.model_dependent.ComposedProcessor.__call__": {"X": _inputs},
    "bounds.model_dependent.empirical_excess": {"f": function(v.linear_map())},
    "bounds.model_dependent.seen": {
        "T": array(lambda: v.normal(40, 2), tied=BOTH),
    },
    "bounds.model_dependent.tail_processor": {
        "X_extra": array(lambda: v.few("x"), tied=(1,)),
    },
    "bounds.model_free.margin": {"lam": positive},
    "bounds.panels.best": {"lam": number(0.3, negative=-1.0)},
    "bounds.panels.best_of_units": {"units": count(5), "lam": number(0.3, negative=-1.0)},
    "bounds.panels.cell": _share_of_star
    | {
        "n0": count(8),
        "n1": count(80).but("infinite").also(too_few=3),
        "n2": count_or_infinite.also(too_few=0),
        "units": count(5, least=0),
        "seeds": count(1),
        "restarts": count(1, least=0),
    },
    "bounds.panels.learn": _share_of_star | {"problems": rows(v.panel_problems), "n0": count(20)},
    "bounds.panels.limit": _share_of_star | {"n2": count_or_infinite, "n0": count(60)},
    "bounds.panels.reference": {"n2": count(80).but("infinite")},
    "bounds.panels.run": {"settings": rows(v.panel_settings)},
    "bounds.past_threshold.first_win": _past | {"lam": numbers(0.1, negative=-0.1, zero=0)},
    "bounds.past_threshold.far_excess": {"lam": numbers(0.1, negative=-0.1, zero=0)},
    "bounds.past_threshold.limit": {"lam": numbers(0.1, negative=-0.1, zero=0)},
    "bounds.past_threshold.threshold_slope": {"lam": numbers(0.1, negative=-0.1, zero=0)},
    "bounds.past_threshold.population_limit": {
        "population": thing(v.separable),
        "n0": count(60, limit=False),
        "lam": positive,
    },
    "bounds.past_threshold.coordinates": {"population": thing(v.separable)},
    "bounds.past_threshold_simulation.draw_from_samples": _past,
    "bounds.past_threshold_simulation.draw_spectral": _past,
    "bounds.past_threshold_simulation.minimise": {
        "lam": positive,
        "kappa2": positive,
    },
    "bounds.past_threshold_simulation.simulate": _past
    | {
        "lam": positive,
        "kappa2": positive,
        "draw": function(past_threshold_simulation.draw_spectral),
    },
    "bounds.trained_capacity.cell": _study
    | {
        "architecture": choice("6-2").but("other case").also(words="a-b", one="6", few="3-2"),
        "ratio": number(2.0, negative=-1.0, zero=0),
    },
    "bounds.trained_capacity.half_way": {
        "rows": rows(p.capacity_rows),
        "architecture": choice("11-8").but("other case"),
    },
    "bounds.trained_capacity.study": _study
    | {"architectures": choices("6-2"), "ratios": rows(lambda: (8.0,)).but("numbers")},
    "bounds.trained_capacity.study_population": {"d_x": count(6, least=6)},
    "uses.budget.best": {"by_use": thing(lambda: {"guessing": 1.0}).but("dict")},
    "uses.budget.risks": {
        "labels": count(30).but("array of one", "array of two", "list of one"),
        "lam": number(0.3, negative=-1.0, zero=0),
    },
    "uses.budget.simulate_processor": {
        "labels": count(30, least=2),
        "n0": count(20),
        "lam": positive,
        "repetitions": count(2),
    },
    "uses.budget.told_delta": {
        "labels": count(30).but("array of one", "array of two", "list of one"),
    },
    "uses.heads.augment": _rows_psi | {"c": number(0.5)},
    "uses.heads.choose_c": _rows_psi | {"grid": _weights},
    "uses.heads.choose_ridge": _rows_psi | {"grid": _penalties},
    "uses.heads.fit_augmented": _rows_psi
    | {"c": number(0.5).but("true", "array of two"), "labels": array(lambda: np.eye(2), tied=BOTH)},
    "uses.heads.fit_joint": _rows_psi | {"ridge": number(0.5, negative=-1.0).but("infinite")},
    "uses.heads.shift": {
        "F_pre": array(lambda: v.sample("z"), tied=BOTH),
        "Z_pre": array(lambda: v.normal(40, 4), tied=BOTH),
    },
    "uses.innovation.augmented_excess": {"c": number(0.5), "n2": count_or_infinite},
    "uses.innovation.gain": _shares,
    "uses.innovation.joint_excess": {"n2": count_or_infinite},
    "uses.innovation.whitening_of_rest": {
        "left": array(lambda: np.eye(2), tied=BOTH),
        "total": array(lambda: np.eye(2), tied=BOTH),
    },
    "uses.intercept.best_weight": {"labels": count(20, least=3)},
    "uses.intercept.risks": {
        "labels": count(30, least=2).but("array of one", "array of two", "list of one")
    },
    "uses.limit.given_both": {
        "S": covariance,
        "d": count(3),
        "d_zeta": count(2, least=0),
        "n2": count_or_infinite,
    },
    "uses.limit.given_design": _ellipsoid,
    "uses.limit.given_x": {"d": count(3), "n2": count_or_infinite},
    "uses.limit.family": {"population": thing(isotropic_population)},
    "uses.limit.isotropic": _shares
    | {"rho": number(0.5, negative=-0.1, zero=0, one=1), "d": count(3, least=2)},
    "uses.limit.simulate": _ellipsoid | {"head": choice("plain").also(unknown="w")},
    "uses.limit.with_existence": _ellipsoid,
    "bounds.trained_capacity.train": _study
    | {
        "d_f": count(1),
        "n0": count(20),
        "widths": counts(3),
        "batch": count(16),
        "rate": positive,
    },
}
