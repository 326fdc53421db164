from .baselines import (
    BASELINES as BASELINES,
)
from .baselines import (
    Baseline as Baseline,
)
from .baselines import (
    Command as Command,
)
from .baselines import (
    Minterpolate as Minterpolate,
)
from .baselines import (
    Predictions as Predictions,
)
from .baselines import (
    Rife as Rife,
)
from .bench.cases import Case as Case
from .bench.cells import Cell as Cell
from .bench.cells import Method as Method
from .bench.experiment import Experiment as Experiment
from .bench.experiment import Verdict as Verdict
from .bench.experiments import EXPERIMENTS as EXPERIMENTS
from .choices import Audio as Audio
from .choices import Deinterlace as Deinterlace
from .choices import Doubtful as Doubtful
from .choices import End as End
from .choices import Repeats as Repeats
from .choices import Timing as Timing
from .drawing.companion import Companion as Companion
from .drawing.expectation import Expectation as Expectation
from .drawing.expectation import expect as expect
from .drawing.expectation import render_doubtful as render_doubtful
from .drawing.exposure import render_exposed as render_exposed
from .drawing.render import render as render
from .errors import (
    BaselineError as BaselineError,
)
from .errors import (
    ClusterError as ClusterError,
)
from .errors import (
    FitError as FitError,
)
from .errors import (
    FlowError as FlowError,
)
from .errors import (
    ModelFileError as ModelFileError,
)
from .errors import (
    OutputError as OutputError,
)
from .errors import (
    Stopped as Stopped,
)
from .errors import (
    TweenfieldError as TweenfieldError,
)
from .errors import (
    UsageError as UsageError,
)
from .errors import (
    VideoError as VideoError,
)
from .errors import (
    ViewerError as ViewerError,
)
from .evaluation.accompany import accompany as accompany
from .evaluation.evaluate import Evaluation as Evaluation
from .evaluation.evaluate import evaluate as evaluate
from .evaluation.lpips import Lpips as Lpips
from .evaluation.metrics import PROTOCOLS as PROTOCOLS
from .evaluation.metrics import Quality as Quality
from .evaluation.metrics import psnr as psnr
from .evaluation.metrics import ssim as ssim
from .evaluation.score import Score as Score
from .evaluation.score import ScoredFit as ScoredFit
from .evaluation.split import Split as Split
from .evaluation.split import hide as hide
from .fields import (
    Field as Field,
)
from .fields import (
    FieldConfig as FieldConfig,
)
from .fields import (
    Grid as Grid,
)
from .fields import (
    Motion as Motion,
)
from .fields import (
    Patches as Patches,
)
from .fields import (
    PatchesConfig as PatchesConfig,
)
from .fields import (
    Siren as Siren,
)
from .fields import (
    SirenConfig as SirenConfig,
)
from .fields import (
    Transport as Transport,
)
from .fields import (
    TransportConfig as TransportConfig,
)
from .fitting.flow_constraint import FlowConstraint as FlowConstraint
from .fitting.leave_out import LeaveOut as LeaveOut
from .fitting.loop import fit as fit
from .fitting.losses import (
    Losses as Losses,
)
from .fitting.losses import (
    constrained_loss as constrained_loss,
)
from .fitting.losses import (
    flow_constraint_loss as flow_constraint_loss,
)
from .fitting.losses import (
    observation_loss as observation_loss,
)
from .fitting.model_file import load as load
from .fitting.model_file import save as save
from .fitting.objective import Objective as Objective
from .fitting.objective import ObjectiveConfig as ObjectiveConfig
from .fitting.presets import (
    RECIPES as RECIPES,
)
from .fitting.presets import (
    draft as draft,
)
from .fitting.presets import (
    paper as paper,
)
from .fitting.presets import (
    paper_experiments as paper_experiments,
)
from .fitting.presets import (
    standard as standard,
)
from .fitting.recipe import FitConfig as FitConfig
from .fitting.recipe import Recipe as Recipe
from .fitting.recipe import replace as replace
from .fitting.result import FitResult as FitResult
from .fitting.result import Progress as Progress
from .flow import (
    PROVIDERS as PROVIDERS,
)
from .flow import (
    DeepFlow as DeepFlow,
)
from .flow import (
    Dis as Dis,
)
from .flow import (
    Farneback as Farneback,
)
from .flow import (
    Flow as Flow,
)
from .flow import (
    FlowEstimator as FlowEstimator,
)
from .flow import (
    Observed as Observed,
)
from .flow import (
    PtlFlow as PtlFlow,
)
from .flow import (
    estimate_flow as estimate_flow,
)
from .flow import (
    read_flow as read_flow,
)
from .flow import (
    write_flow as write_flow,
)
from .video import (
    CONTAINERS as CONTAINERS,
)
from .video import (
    Carried as Carried,
)
from .video import (
    ColorTags as ColorTags,
)
from .video import (
    Container as Container,
)
from .video import (
    Encoding as Encoding,
)
from .video import (
    Hdr as Hdr,
)
from .video import (
    Look as Look,
)
from .video import (
    MasteringDisplay as MasteringDisplay,
)
from .video import (
    Shot as Shot,
)
from .video import (
    Timeline as Timeline,
)
from .video import (
    TimeMap as TimeMap,
)
from .video import (
    Video as Video,
)
from .video import (
    VideoInfo as VideoInfo,
)
from .video import (
    describe_video as describe_video,
)
from .video import (
    find_repeats as find_repeats,
)
from .video import (
    find_shots as find_shots,
)
from .video import (
    output_timeline as output_timeline,
)
from .video import (
    parse_speed as parse_speed,
)
from .video import (
    read_video as read_video,
)
from .video import (
    without_repeats as without_repeats,
)
from .video import (
    write_video as write_video,
)
from .viewer.opening import Viewer as Viewer
from .viewer.opening import view as view
