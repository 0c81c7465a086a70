"""The world model of `jepa demo` in PyTorch: the formulas of lib/models and lib/world-model/objective.ts, the same names."""
import math

import torch
import torch.nn.functional as F
from torch import nn

CONTEXT, FIRST_TARGET, FIRST_TWIN_FRAME, TEMPERATURE = 4, 3, 6, 0.1
STARTS, REACH = 3, 6
KEYPOINT_TEMPERATURE = 1 / 3
EXTENT = torch.linspace(-1, 1, 8)
GRID = torch.stack([EXTENT.repeat(8), EXTENT.repeat_interleave(8)], 1)
WEIGHTS = {
    "oneStep": 1,
    "rollout": 0.5,
    "laterRollouts": 0.5,
    "sigreg": 0.2,
    "temporalSigreg": 0.2 * 0.25,
    "inverseDynamics": 0.25,
    "effect": 0.8,
    "contrastive": 0.05,
    "critic": 1,
    "likelihood": 0.1,
}


class Perceptron(nn.Module):
    def __init__(self, widths):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths, widths[1:]))

    def forward(self, x):
        for index, layer in enumerate(self.layers):
            x = layer(F.gelu(x) if index else x)
        return x


class Encoder(nn.Module):
    """[N, 64, 64, 3] bytes to [N, D]."""

    def __init__(self, width, channels_last):
        super().__init__()
        self.channels_last = channels_last
        self.convolutions = nn.ModuleList(
            [nn.Conv2d(3, 32, 4, 4), nn.Conv2d(32, 64, 3, 2, 1), nn.Conv2d(64, 64, 3, 1, 1)]
        )
        self.projection = nn.Linear(2 * 64, width)
        self.normalisation = nn.BatchNorm1d(width)

    def forward(self, pixels):
        x = (pixels.float() * (4 / 255) - 3.2).permute(0, 3, 1, 2)
        if not self.channels_last:
            x = x.contiguous()
        for index, convolution in enumerate(self.convolutions):
            x = convolution(F.gelu(x) if index else x)
        return self.normalisation(self.projection(places(x.float())))


def places(maps):
    """The mean place of each channel [N, C, 8, 8] under a softmax: x and y of the first, of the second, …"""
    weights = (maps / KEYPOINT_TEMPERATURE).flatten(2).softmax(-1)
    with torch.autocast("cpu", enabled=False):
        return (weights @ GRID).flatten(1)


class Cell(nn.Module):
    """Weights of a gated recurrent unit by the library's names."""

    def __init__(self, inputs, width):
        super().__init__()
        self.weight_ih = nn.Parameter(torch.empty(3 * width, inputs))
        self.weight_hh = nn.Parameter(torch.empty(3 * width, width))
        self.bias_ih = nn.Parameter(torch.empty(3 * width))
        self.bias_hh = nn.Parameter(torch.empty(3 * width))

    def weights(self):
        return [self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh]


class Predictor(nn.Module):
    def __init__(self, width, actions, state, hidden, fused):
        super().__init__()
        self.state, self.fused = state, fused
        self.cell = Cell(width + actions, state)
        self.head = Perceptron([state + 2 * width + actions, hidden, 2 * width])

    def output(self, state, z, action):
        """Of a state with the last change and embedding at its end: the change goes on through a gate."""
        width = z.shape[-1]
        change, gate = self.head(torch.cat([state, action], -1)).split(width, -1)
        return z + torch.sigmoid(gate) * state[..., -2 * width : -width] + change

    def advance(self, projected, state):
        """PyTorch's gates, from the input's product."""
        xr, xz, xn = projected.chunk(3, -1)
        hr, hz, hn = F.linear(state, self.cell.weight_hh, self.cell.bias_hh).chunk(3, -1)
        n = torch.tanh(xn + torch.sigmoid(xr + hr) * hn)
        return n + torch.sigmoid(xz + hz) * (state - n)

    def step(self, state, z, action):
        x = torch.cat([z, action], -1)
        memory, last = state[:, : self.state], state[:, -z.shape[1] :]
        if self.fused:
            memory = torch.gru_cell(x, memory, *self.cell.weights())
        else:
            memory = self.advance(F.linear(x, self.cell.weight_ih, self.cell.bias_ih), memory)
        state = torch.cat([memory, z - last, z], -1)
        return state, self.output(state, z, action)

    def teacher_forced(self, z, actions):
        x = torch.cat([z, actions], -1)
        if self.fused:
            zero = x.new_zeros(1, x.shape[0], self.state)
            states, _ = torch.gru(x, zero, self.cell.weights(), True, 1, 0.0, self.training, False, True)
        else:
            projected = F.linear(x, self.cell.weight_ih, self.cell.bias_ih)
            state, every = x.new_zeros(x.shape[0], self.state), []
            for t in range(x.shape[1]):
                state = self.advance(projected[:, t], state)
                every.append(state)
            states = torch.stack(every, 1)
        before = F.pad(z[:, :-1], (0, 0, 1, 0))
        states = torch.cat([states, z - before, z], -1)
        return states, z, self.output(states, z, actions)


class WorldModel(nn.Module):
    def __init__(self, mean, std, width=64, state=384, channels_last=True, fused=True):
        super().__init__()
        self.width = width
        self.encoder = Encoder(width, channels_last)
        self.predictor = Predictor(width, 2, state, 256, fused)
        self.variance = Perceptron([state + 3 * width + 3, 128, width + 1])
        self.inverse = Perceptron([3 * width, 256, 2])
        self.critic = Perceptron([2 * width, 128, 1])
        self.register_buffer("action_mean", torch.tensor(mean), persistent=False)
        self.register_buffer("action_std", torch.tensor(std), persistent=False)

    def forward(self, pixels, actions, costs, directions, temporal_directions):
        """The loss and its terms; directions have unit columns."""
        clips, frames = pixels.shape[:2]
        actions = (actions - self.action_mean) / self.action_std
        z = self.encoder(pixels.flatten(0, 1)).view(clips, frames, self.width)
        known = self.predictor.teacher_forced(z[:, :-1], actions[:, :-1])
        opened = self.open_loop(known, actions)
        # From places evenly spread behind the context, as rows of one batch.
        places = frames - REACH - CONTEXT
        contexts = [CONTEXT + round((k + 1) * places / STARTS) for k in range(STARTS)]
        windows = lambda x, first, last: torch.cat([x[:, c + first : c + last] for c in contexts])
        taken, seen = windows(actions, -1, REACH - 1), windows(z, 0, REACH)
        later = self.open_loop(tuple(windows(x, -1, 0) for x in known), taken, 1, REACH)
        one_step = tuple(x[:, FIRST_TARGET - 1 :] for x in known)
        half = z[..., : self.width // 2]
        centred = (half - half.mean(1, keepdim=True)) * math.sqrt(2)
        triples = torch.cat([z[:, :-2], z[:, 1:-1], z[:, 2:]], -1)
        terms = {
            "oneStep": F.mse_loss(one_step[2], z[:, FIRST_TARGET:]),
            "rollout": F.mse_loss(opened[2], z[:, CONTEXT:]),
            "laterRollouts": F.mse_loss(later[2], seen),
            "sigreg": exactly(z, directions),
            "temporalSigreg": exactly(centred, temporal_directions),
            "inverseDynamics": F.mse_loss(self.inverse(triples), actions[:, 1:-1]),
            **self.twins(opened[2], z[:, CONTEXT:], costs),
            "likelihood": self.likelihood(
                one_step, actions[:, FIRST_TARGET - 1 : -1], z[:, FIRST_TARGET:], torch.ones(frames - FIRST_TARGET)
            )
            + self.likelihood(
                opened, actions[:, CONTEXT - 1 : -1], z[:, CONTEXT:], torch.arange(1.0, frames - CONTEXT + 1)
            )
            + self.likelihood(later, taken, seen, torch.arange(1.0, REACH + 1)),
        }
        return sum(WEIGHTS[name] * term for name, term in terms.items()), terms

    def open_loop(self, known, actions, context=CONTEXT, steps=None):
        state, first, z = (x[:, context - 1] for x in known)
        states, inputs, outputs = [state], [first], [z]
        for t in range(context, context + (steps or actions.shape[1] - context) - 1):
            inputs.append(z)
            state, z = self.predictor.step(state, z, actions[:, t])
            states.append(state)
            outputs.append(z)
        return torch.stack(states, 1), torch.stack(inputs, 1), torch.stack(outputs, 1)

    def twins(self, predicted, actual, costs):
        groups, size, _ = costs.shape

        def future(x):
            return x[-groups * size :, FIRST_TWIN_FRAME - CONTEXT :].reshape(groups, size, -1, self.width)

        predicted, actual = future(predicted), future(actual)
        truth = actual - actual.mean(1, keepdim=True)
        error = (predicted - predicted.mean(1, keepdim=True) - truth).square().sum((1, 2, 3))
        logits = -(predicted[:, :, None] - actual[:, None]).square().mean(-1) / TEMPERATURE  # [G, K, K, T]
        frames = predicted.shape[2]
        labels = torch.arange(size)[None, :, None].expand(groups, size, frames).reshape(-1)
        last = [x[:, :, -1] for x in (predicted, actual)]
        pairs = torch.cat(
            [
                last[0][:, :, None].expand(-1, -1, size, -1),
                last[1][:, None].expand(-1, size, -1, -1),
            ],
            -1,
        ).detach()
        return {
            "effect": (error / (truth.square().sum((1, 2, 3)) + 1e-3)).mean(),
            "contrastive": F.cross_entropy(logits.transpose(2, 3).reshape(-1, size), labels),
            "critic": F.smooth_l1_loss(self.critic(pairs)[..., 0], costs),
        }

    def likelihood(self, rollout, actions, target, horizons):
        states, inputs, outputs = rollout
        horizon = (horizons / 8)[None, :, None].expand(states.shape[0], -1, 1)
        expected = self.variance(torch.cat([states, inputs, actions, horizon], -1).detach()).clamp(-12, 4)
        squared = (outputs - target).detach().square()
        errors = torch.cat([squared, squared.mean(-1, keepdim=True)], -1)
        return 0.5 * (expected + errors * torch.exp(-expected)).mean()


KNOTS = torch.linspace(0, 3, 17)[1:]
PHI = torch.exp(-KNOTS.square() / 2)
KNOT_WEIGHTS = PHI * (2 * 3 / 16)
KNOT_WEIGHTS[-1] /= 2


class Sigreg(torch.autograd.Function):
    """Statistic of [groups, samples, directions] with its gradient in closed form: nothing of the knots is kept."""

    @staticmethod
    def forward(context, x):
        angle = x[..., None] * KNOTS
        cosine, sine = angle.cos(), angle.sin()
        real, imaginary = cosine.mean(1) - PHI, sine.mean(1)
        statistic = ((real.square() + imaginary.square()) * KNOT_WEIGHTS).sum(-1)
        slope = (imaginary[:, None] * cosine - real[:, None] * sine) @ (2 * KNOT_WEIGHTS * KNOTS)
        context.save_for_backward(slope / statistic.numel())
        return x.shape[1] * statistic.mean()

    @staticmethod
    def backward(context, gradient):
        return gradient * context.saved_tensors[0]


def sigreg(z, directions):
    return Sigreg.apply(z @ directions)


def exactly(z, directions):
    """SIGReg of [B, T, D] in float32, whatever precision products have."""
    with torch.autocast("cpu", enabled=False):
        return sigreg(z.float().transpose(0, 1), directions)
