// Moves between screens; nothing else is decided here.
import { createRouter, createWebHashHistory } from 'vue-router'
import { routes } from './routes.ts'

export const router = createRouter({
  history: createWebHashHistory(),
  routes,
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
})
