// SPDX-License-Identifier: Apache-2.0
// Provides the policy, and keeps it up to date: on SIGHUP, or when another node has announced a change.
import { Inject, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { CONF } from '../conf/conf.module.js';
import { provider } from '../injection.js';
import { Messaging } from '../messaging/messaging.js';
import { Policy } from '../policy.js';
import { ServiceLife } from '../service/life.js';

@Module({
  providers: [
    provider(Policy, [CONF, Messaging], ({ osloPolicy }, { fanout }) =>
      Policy.load(
        { file: osloPolicy.policyFile, dirs: osloPolicy.policyDirs },
        // The other nodes may have the same new file: they check at once.
        () => fanout.cast({ method: 'policy_changed', args: {} }),
      ),
    ),
  ],
  exports: [Policy],
})
export class PoliciesModule implements OnApplicationBootstrap {
  constructor(
    @Inject(Policy) private readonly policy: Policy,
    @Inject(Messaging) private readonly messaging: Messaging,
    @Inject(ServiceLife) private readonly life: ServiceLife,
  ) {}

  onApplicationBootstrap(): void {
    const unsubscribe = this.messaging.fanout.subscribe(({ method }) => {
      if (method === 'policy_changed') this.policy.follow();
    });
    this.life.adopt({
      reload: () => this.policy.reload(),
      close: () => {
        unsubscribe();
        return Promise.resolve();
      },
    });
  }
}
