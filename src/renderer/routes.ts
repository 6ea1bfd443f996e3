// Every screen and its address. A screen is loaded when it is first opened; its title names the window, its crumbs the
// way to it. Screens that know a better name (a project's, a run's) say so with `useCrumbs`.
import type { Component } from 'vue'
import type { RouteRecordRaw } from 'vue-router'
import { startPath } from './frame/first-start.ts'
import type { PlainKey } from './words/index.ts'

/** Which entry of the rail is marked. */
export type Section = 'projects' | 'experiments' | 'models' | 'chat' | 'settings'

declare module 'vue-router' {
  interface RouteMeta {
    readonly section?: Section
    readonly title: PlainKey
  }
}

type Screen = () => Promise<{ default: Component }>
const screen = (path: string, section: Section, title: PlainKey, component: Screen): RouteRecordRaw => ({
  path,
  name: path,
  component,
  meta: { section, title },
})

export const routes: RouteRecordRaw[] = [
  screen('/', 'projects', 'frame.projects', () => import('./features/projects/ProjectsScreen.vue')),
  screen(
    '/projects/new',
    'projects',
    'wizard.newProject',
    () => import('./features/wizard/NewProjectScreen.vue'),
  ),
  screen(
    '/projects/:projectId/:step?',
    'projects',
    'frame.projects',
    () => import('./features/wizard/WizardScreen.vue'),
  ),
  screen(
    '/runs/:runId/training',
    'projects',
    'frame.projects',
    () => import('./features/training/TrainingScreen.vue'),
  ),
  screen(
    '/runs/:runId/proof',
    'projects',
    'frame.projects',
    () => import('./features/proof/ProofScreen.vue'),
  ),
  screen('/runs/:runId/use', 'projects', 'use.crumb', () => import('./features/use/UseScreen.vue')),
  screen(
    '/studies/new',
    'experiments',
    'studies.start.title',
    () => import('./features/studies/NewStudyScreen.vue'),
  ),
  screen(
    '/studies/:studyId',
    'experiments',
    'studies.crumb',
    () => import('./features/studies/StudyScreen.vue'),
  ),
  screen('/models', 'models', 'frame.models', () => import('./features/models/ModelsScreen.vue')),
  screen('/chat', 'chat', 'frame.chat', () => import('./features/chat/ChatScreen.vue')),
  screen('/settings', 'settings', 'frame.settings', () => import('./features/settings/SettingsScreen.vue')),
  {
    path: startPath,
    name: startPath,
    component: () => import('./features/start/StartScreen.vue'),
    meta: { title: 'start.title' },
  },
  screen(
    '/experiments',
    'experiments',
    'frame.experiments',
    () => import('./features/experiments/ExperimentsScreen.vue'),
  ),
  screen(
    '/experiments/timeline',
    'experiments',
    'experiments.timeline.crumb',
    () => import('./features/experiments/TimelineScreen.vue'),
  ),
  screen(
    '/experiments/answers',
    'experiments',
    'experiments.answers.crumb',
    () => import('./features/experiments/AnswersScreen.vue'),
  ),
  screen(
    '/runs/:runId/lineage',
    'experiments',
    'experiments.lineage.crumb',
    () => import('./features/experiments/LineageScreen.vue'),
  ),
  {
    path: '/:rest(.*)*',
    name: 'not-found',
    component: () => import('./frame/NotFoundScreen.vue'),
    meta: { title: 'frame.notFound.title' },
  },
]
