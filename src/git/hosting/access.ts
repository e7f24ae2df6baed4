import type { AppToken, GitCredential } from '../credentials.ts';
import { readRepositoryUrl } from '../url.ts';
import { type ApiAccess, createJsonApi, type JsonApi, type SendHosting } from './api.ts';
import { HostingError } from './error.ts';
import { createGitHub, githubApi } from './github.ts';
import { createGitLab, gitlabApi } from './gitlab.ts';
import { createGitea, giteaApi } from './gitea.ts';
import type { Host } from './host.ts';
import type { HostingProvider, PullRequestRequest } from './pull-request.ts';
