# nomad job run deploy/nomad/sluice.nomad.hcl
#
# The gateway on two nodes, with endpoints and canaries of other jobs out of Consul's catalog: what Nomad's `canary_tags` mark is
# the version `canary` (docs/DISCOVERY.md).

job "sluice" {
  type = "service"

  group "gateway" {
    count = 2

    constraint {
      operator = "distinct_hosts"
      value    = "true"
    }

    update {
      max_parallel     = 1
      health_check     = "checks"
      min_healthy_time = "10s"
      auto_revert      = true
    }

    network {
      port "http" { static = 8080 }
      port "admin" { to = 9900 }
    }

    service {
      name = "sluice"
      port = "http"
      tags = ["edge"]

      check {
        type     = "http"
        port     = "admin"
        path     = "/readyz"
        interval = "2s"
        timeout  = "1s"
      }
    }

    service {
      name = "sluice-admin"
      port = "admin"
    }

    task "sluice" {
      driver       = "docker"
      user         = "1000:1000"
      kill_signal  = "SIGTERM"
      kill_timeout = "40s"

      config {
        image           = "sluice:0.1.0"
        ports           = ["http", "admin"]
        readonly_rootfs = true
        cap_drop        = ["all"]
        args            = ["node", "src/main.ts", "run", "--config", "/local/gateway.yaml"]
      }

      template {
        destination   = "local/gateway.yaml"
        change_mode   = "signal"
        change_signal = "SIGHUP"
        data          = <<-YAML
          listen: "0.0.0.0:8080"
          admin: "0.0.0.0:9900"
          discovery:
            consul: {address: "http://{{ env "attr.unique.network.ip-address" }}:8500"}
          services:
            shop:
              versions:
                v1: {endpoints: {consul: {except: [canary]}}}
                v2: {endpoints: {consul: {version: canary}}}
          routes:
            - name: shop
              slo: {availability: 0.999}
              backendRefs: [{name: shop, version: v1, weight: 100}, {name: shop, version: v2, weight: 0}]
              rollout: {stable: v1, canary: v2, steps: default}
        YAML
      }

      resources {
        cpu    = 1000
        memory = 512
      }
    }
  }
}
