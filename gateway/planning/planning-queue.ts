/** The operations that wait to be planned: the cheapest first, hard ones last. */

export interface QueuedTask {
  /** The estimated cost of planning. */
  readonly cost: number
  /** Whether planning takes so long that others must not wait for it. */
  readonly isHard: boolean
}

export interface PlanningQueue<Task extends QueuedTask> {
  /** Returns the task that there is no room for: the most expensive one. */
  add(task: Task): Task | undefined
  hasEasy(): boolean
  hasHard(): boolean
  takeEasy(): Task | undefined
  takeHard(): Task | undefined
  /** Returns whether the task was waiting. */
  remove(task: Task): boolean
  /** Returns and removes all tasks. */
  clear(): Task[]
}

/** @param limit the most tasks that wait */
export function planningQueue<Task extends QueuedTask>(limit: number): PlanningQueue<Task> {
  const tasks: Task[] = []

  return {
    add(task) {
      const after = tasks.findIndex((other) => isBefore(task, other))
      tasks.splice(after === -1 ? tasks.length : after, 0, task)
      return tasks.length > limit ? tasks.pop() : undefined
    },
    hasEasy: () => tasks[0]?.isHard === false,
    hasHard: () => tasks.at(-1)?.isHard === true,
    takeEasy: () => take(({ isHard }) => !isHard),
    takeHard: () => take(({ isHard }) => isHard),
    remove: (task) => take((other) => other === task) !== undefined,
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
