/** The operations that wait to be planned: the cheapest is first, hard ones are last. */

/** What the order of a task depends on. */
export interface QueuedTask {
  /** The estimated cost of planning. */
  readonly cost: number
  /** Whether planning takes so long that others must not wait for it. */
  readonly isHard: boolean
}

/**
 * Returns an empty queue of bounded length.
 *
 * @param limit the most tasks that wait
 */
export function planningQueue<Task extends QueuedTask>(limit: number) {
  const tasks: Task[] = []

  return {
    /** Adds a task; returns the most expensive task when there is no room for it. */
    add(task: Task): Task | undefined {
      const after = tasks.findIndex((other) => isBefore(task, other))
      tasks.splice(after === -1 ? tasks.length : after, 0, task)
      return tasks.length > limit ? tasks.pop() : undefined
    },
    hasEasy: () => tasks[0]?.isHard === false,
    hasHard: () => tasks.at(-1)?.isHard === true,
    takeEasy: () => take(({ isHard }) => !isHard),
    takeHard: () => take(({ isHard }) => isHard),
    /** Removes a task; returns whether it was waiting. */
    remove: (task: Task) => take((other) => other === task) !== undefined,
    /** Returns and removes all tasks. */
    clear: () => tasks.splice(0),
  }

  function take(isWanted: (task: Task) => boolean): Task | undefined {
    const index = tasks.findIndex(isWanted)
    return index === -1 ? undefined : tasks.splice(index, 1)[0]
  }
}

function isBefore(task: QueuedTask, other: QueuedTask): boolean {
  return task.isHard === other.isHard ? task.cost < other.cost : other.isHard
}
