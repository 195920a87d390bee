"""A rank that follows: it does what the leader orders until training is over."""

from threading import Event

from learner.ranks import End, Forget, Restore, Update
from learner.step import Descent


def follow(descent: Descent) -> None:
    """Hold a replica of the leader's policy, until the leader ends or dies."""
    never = Event()
    while True:
        match descent.ranks.next_order():
            case Update(total_weight):
                descent.take_part((), total_weight, never)
            case Restore(parameters, optimizer):
                descent.policy.model.load_state_dict(parameters)
                descent.optimizer.load_state_dict(optimizer)
            case Forget():
                descent.optimizer.state.clear()
            case End():
                return
