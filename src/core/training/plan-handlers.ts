// The plan before a run, for the screens: what each preset would do.
import { type PlanOption, presetIds, type SomeHandlers } from '#shared/contract/index.ts'
import { attemptAsync } from '#shared/result.ts'
import { withTypedCommands } from '../system/typed-command.ts'
import type { RunPlanner } from './run-planner.ts'

type PlanCallNames = 'plan.options' | 'plan.estimate'

export function createPlanHandlers(planner: RunPlanner): SomeHandlers<PlanCallNames> {
  return {
    'plan.options': ({ projectId }) =>
      attemptAsync(async () => {
        const { option } = await planner.ofProject(projectId)
        const options: PlanOption[] = []
        // One after the other: what the first has measured the others find.
        for (const preset of presetIds) options.push(asTold(await option(preset, {})))
        return { options }
      }),
    'plan.estimate': ({ projectId, preset, changes }) =>
      attemptAsync(async () => asTold(await (await planner.ofProject(projectId)).option(preset, changes))),
  }
}

/** Settings may hold a person's own words, which stay as they are. */
const asTold = (option: PlanOption): PlanOption => ({
  ...option,
  sentences: withTypedCommands(option.sentences),
  blocking: withTypedCommands(option.blocking),
})
